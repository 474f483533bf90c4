'use strict'
// A listener made with hyco-ws. It sends back what it is sent, but for
//
//   who                  it answers --name
//   close CODE REASON    it closes the socket
//
// and prints what happens, a line each. It ends with its standard input.
const WebSocket = require('hyco-ws')
const readline = require('node:readline')
const { mock } = require('node:test')
const { parseArgs } = require('node:util')

const { values: flags, positionals: [host, path] } = parseArgs({
  allowPositionals: true,
  options: {
    name: { type: 'string', default: 'nobody' },
    choose: { type: 'string' },          // the sub-protocol that is taken, instead of the first
    seconds: { type: 'string' },         // how long the first token lasts; the later ones last an hour
    hours: { type: 'boolean' },          // each line of standard input is an hour that passes
    persistent: { type: 'boolean' }      // leave all reconnecting to hyco-ws
  }
})
if (!path) {
  console.error('node listen.js HOST:PORT PATH [--name NAME] [--choose PROTOCOL] [--seconds N] [--hours] [--persistent]')
  process.exit(2)
}
if (flags.hours) mock.timers.enable({ apis: ['setInterval'] })

let seconds = Number(flags.seconds) || undefined
function token () {
  const made = WebSocket.createRelayToken(`http://${host}/${path}`, 'listener', 'secret', seconds)
  seconds = undefined
  return made
}

const options = { server: `ws://${host}/$hc/${path}?sb-hc-action=listen`, token }
if (flags.choose) {
  options.handleProtocols = (offered, take) => take(offered.includes(flags.choose), flags.choose)
}

// hyco-ws connects twice, and at once, for each attempt that fails. So this
// gives up a server with its first failure, and makes another after a while.
function listen () {
  const server = WebSocket.createRelayedServer(options, serve)
  server.on('listening', () => {
    console.log('listening')
    server.controlChannel.on('close', (code, reason) => console.log('dropped', code, reason))
  })
  server.on('error', (error) => {
    console.log('error', error.message)
    if (flags.persistent) return
    server.close()
    setTimeout(listen, 200)
  })
}

function serve (ws) {
  ws.on('open', () => console.log('open', new URL(ws.url).pathname, new URL(ws.url).search, ws.protocol ?? ''))
  ws.on('close', (code, reason) => console.log('closed', code, reason))
  ws.on('message', (data, { binary }) => {
    const [word, code, ...reason] = binary ? [] : data.split(' ')
    if (word === 'who') ws.send(flags.name)
    else if (word === 'close') ws.close(Number(code), reason.join(' '))
    else ws.send(data, { binary })
  })
}

readline.createInterface({ input: process.stdin })
  .on('line', () => { if (flags.hours) mock.timers.tick(3_600_000) })
  .on('close', () => process.exit())
listen()
