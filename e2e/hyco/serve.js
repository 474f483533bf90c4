'use strict'
// A listener made with hyco-https: a small web server behind the relay. Below its
// path are
//
//   about                what the request was, as JSON
//   echo                 the body of the request
//   random?bytes=N       N random bytes, written in pieces, their hash in a header
//   status?code=N&reason=TEXT
//   headers              several headers
//   wait?bytes=N         as random, once somebody asks for release
//   release
//   endless              a response that begins and does not end
//
// It prints what happens, a line each, and ends with its standard input.
const https = require('hyco-https')
const crypto = require('node:crypto')

const [host, path, name = 'nobody'] = process.argv.slice(2)
if (!path) {
  console.error('node serve.js HOST:PORT PATH [NAME]')
  process.exit(2)
}

const hash = (data) => crypto.createHash('sha256').update(data).digest('hex')
const waiting = []

const pages = {
  about (req, res, body) {
    const { method, url, headers } = req
    res.setHeader('Content-Type', 'application/json')
    res.end(JSON.stringify({ name, method, url, headers, length: body.length, hash: hash(body) }))
  },
  echo (req, res, body) {
    res.setHeader('Content-Type', req.headers['content-type'] ?? 'application/octet-stream')
    if (body.length) res.end(body)
    else res.end() // with an empty body hyco-https would not answer
  },
  random (_, res, __, query) {
    const data = crypto.randomBytes(Number(query.get('bytes')))
    res.setHeader('X-Hash', hash(data))
    const piece = 100_000
    for (let from = 0; from < data.length; from += piece) res.write(data.subarray(from, from + piece))
    res.end()
  },
  status (_, res, __, query) {
    res.writeHead(Number(query.get('code')), query.get('reason') ?? undefined)
    res.end()
  },
  headers (_, res) {
    res.setHeader('Set-Cookie', ['a=1; Path=/', 'b=2'])
    res.setHeader('Cache-Control', 'no-store')
    res.setHeader('Connection', 'X-Hop')
    res.setHeader('X-Hop', 'stays behind')
    res.end('headers')
  },
  wait (...request) {
    waiting.push(() => pages.random(...request))
    console.log('waiting')
  },
  release (_, res) {
    waiting.splice(0).forEach((answer) => answer())
    res.end('released')
  },
  endless (_, res) {
    res.write(Buffer.alloc(200_000))
    console.log('begun')
  }
}

function answer (req, res) {
  const { pathname, searchParams } = new URL(req.url, 'http://relayed')
  const body = []
  req.on('data', (data) => body.push(data))
  req.on('end', () => {
    const page = pages[pathname.split('/').at(-1)] ?? pages.about
    page(req, res, Buffer.concat(body), searchParams)
  })
}

const server = https.createRelayedServer({
  server: `ws://${host}/$hc/${path}?sb-hc-action=listen`,
  token: () => https.createRelayToken(`http://${host}/${path}`, 'listener', 'secret')
}, answer)
server.on('listening', () => console.log('listening'))
server.on('error', (error) => console.log('error', error.message))
server.listen()
process.stdin.on('end', () => process.exit()).resume()
