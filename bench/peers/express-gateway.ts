import { Agent } from 'node:http'
import type { AddressInfo } from 'node:net'
import express, { type RequestHandler } from 'express'
import { createProxyMiddleware } from 'http-proxy-middleware'
import { createRemoteJWKSet, jwtVerify } from 'jose'

// A usual Express gateway: it verifies the token and forwards the request, nothing else.
const [target = '', issuer = ''] = process.argv.slice(2)
const keys = createRemoteJWKSet(new URL(`${issuer}/protocol/openid-connect/certs`))

const authenticate: RequestHandler = async (req, res, next) => {
  try {
    const token = req.headers.authorization?.slice('Bearer '.length) ?? ''
    await jwtVerify(token, keys, { issuer, audience: 'clientele-api', algorithms: ['RS256'] })
    next()
  } catch {
    res.status(401).json({ error: 'unauthorized' })
  }
}

const app = express()
app.disable('x-powered-by')
app.use(authenticate)
app.use(createProxyMiddleware({ target, changeOrigin: true, agent: new Agent({ keepAlive: true, maxSockets: 256 }) }))
const server = app.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port))
process.once('disconnect', () => process.exit())
