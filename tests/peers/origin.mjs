// An origin that is Node's own server: it answers everything, and says each request that it saw in a line of JSON. Its
// first line says on which port it listens, which the system chose.

import http from 'node:http'

const say = line => process.stdout.write(JSON.stringify(line) + '\n')

const server = http.createServer((request, response) => {
  const parts = []
  request.on('data', part => parts.push(part))
  request.on('end', () => {
    const content = Buffer.concat(parts).toString('latin1')
    say({ method: request.method, target: request.url, host: request.headers.host, content })
    response.setHeader('content-type', 'text/plain')
    response.end('hello')
  })
})
server.keepAliveTimeout = 60_000
server.listen(0, '127.0.0.1', () => say({ port: server.address().port }))
