// An origin that is Node's own server: it answers everything, and says each request that it saw in a line of JSON. Its
// first line says on which port it listens, which the system chose.
//
//     origin.mjs [KEY CERTIFICATE]
//
// With the files of a key and a certificate it speaks TLS. `/cut` ends in the middle of a content whose end only the end of
// its connection would tell, and without a word of it.

import fs from 'node:fs'
import http from 'node:http'
import https from 'node:https'

const [key, cert] = process.argv.slice(2).map(file => fs.readFileSync(file))
const say = line => process.stdout.write(JSON.stringify(line) + '\n')

const answer = (request, response) => {
  const parts = []
  request.on('data', part => parts.push(part))
  request.on('end', () => {
    const content = Buffer.concat(parts).toString('latin1')
    say({ method: request.method, target: request.url, host: request.headers.host, content })
    if (request.url === '/cut') {
      request.socket.write('HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nhello', () => request.socket.destroy())
      return
    }
    response.setHeader('content-type', 'text/plain')
    response.end('hello')
  })
}

const server = key ? https.createServer({ key, cert }, answer) : http.createServer(answer)
server.keepAliveTimeout = 60_000
server.listen(0, '127.0.0.1', () => say({ port: server.address().port }))
