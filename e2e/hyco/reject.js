'use strict'
// A listener that takes no socket: it rejects each with a status, for which
// hyco-ws has no way of its own (what it has for it uses variables that are not
// there). It prints how it was answered.
const WebSocket = require('hyco-ws')

const [host, path, status = '403', ...description] = process.argv.slice(2)
if (!path) {
  console.error('node reject.js HOST:PORT PATH [STATUS [DESCRIPTION]]')
  process.exit(2)
}

const control = new WebSocket(`ws://${host}/$hc/${path}?sb-hc-action=listen`, null, {
  headers: { ServiceBusAuthorization: WebSocket.createRelayToken(`http://${host}/${path}`, 'listener', 'secret') }
})
control.on('open', () => console.log('listening'))
control.on('message', (text) => {
  const query = new URLSearchParams({ 'sb-hc-statusCode': status, 'sb-hc-statusDescription': description.join(' ') })
  const rejection = new WebSocket(`${JSON.parse(text).accept.address}&${query}`)
  rejection.on('unexpected-response', (_, { statusCode }) => console.log('answered', statusCode))
  rejection.on('open', () => console.log('answered', 101))
})
process.stdin.on('end', () => process.exit()).resume()
