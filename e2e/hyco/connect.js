'use strict'
// A sender made with hyco-ws. It sends each line of its standard input, but for
//
//   /text N              it sends a text of N characters
//   /binary N            it sends N random bytes
//   /close CODE REASON   it closes the socket
//
// and prints what it is sent: text that is short as it is, all else as a length
// and a hash. It ends with the socket, or with its standard input.
const WebSocket = require('hyco-ws')
const crypto = require('node:crypto')
const readline = require('node:readline')
const { parseArgs } = require('node:util')

const { values: flags, positionals: [host, path] } = parseArgs({
  allowPositionals: true,
  options: { protocol: { type: 'string', multiple: true } }
})
if (!path) {
  console.error('node connect.js HOST:PORT PATH[?QUERY] [--protocol NAME]...')
  process.exit(2)
}

const token = WebSocket.createRelayToken(`http://${host}/${path}`, 'sender', 'secret')
const address = `ws://${host}/$hc/${path}${path.includes('?') ? '&' : '?'}sb-hc-action=connect`
const ws = flags.protocol
  ? new WebSocket(address, flags.protocol, { headers: { ServiceBusAuthorization: token } })
  : WebSocket.relayedConnect(address, token)

ws.on('open', () => {
  console.log('open', ws.protocol ?? '')
  readline.createInterface({ input: process.stdin }).on('line', send).on('close', () => process.exit())
})
ws.on('message', (data, { binary }) => console.log('got', describe(data, binary)))
ws.on('unexpected-response', (_, response) => {
  ws.removeAllListeners('close')
  response.setEncoding('utf8').on('data', (problem) => end('refused', response.statusCode, problem))
})
ws.on('error', (error) => end('error', error.message))
ws.on('close', (code, reason) => end('closed', code, reason))

function send (line) {
  const [command, argument, ...rest] = line.split(' ')
  if (command === '/close') return ws.close(Number(argument), rest.join(' '))
  const data = command === '/text' ? 'é'.repeat(argument) : command === '/binary' ? crypto.randomBytes(Number(argument)) : line
  console.log('sent', describe(data, command === '/binary'))
  ws.send(data, { binary: command === '/binary' })
}

function describe (data, binary) {
  const kind = binary ? 'binary' : 'text'
  if (!binary && data.length < 100) return `${kind} ${data}`
  return `${kind} ${data.length} ${crypto.createHash('sha256').update(data).digest('hex')}`
}

function end (...words) {
  console.log(...words)
  process.exit()
}
