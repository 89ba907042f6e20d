import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

// The server behind each proxy. It uses next to no CPU and returns a response of the size of a customer.
const body = JSON.stringify({
  id: '01902f3c-5a7e-7c11-b3a4-6f0d2c9e8b71',
  code: 'CUS-000123',
  name: 'Ana',
  surname: 'Lovelace',
  email: 'ana.lovelace@example.com',
  phone: '+34600000123',
  tags: ['regular', 'newsletter'],
  address: { street: 'Calle de la Princesa 12', city: 'Madrid', postalCode: '28008', country: 'ES' },
  locale: 'es-ES',
  smsOptOut: false,
  metadata: { note: 'x'.repeat(320) },
  createdAt: '2026-01-01T00:00:00.000Z',
  createdBy: { id: '01902f3c-5a7e-7c11-b3a4-6f0d2c9e8b72', displayName: 'Test Person' },
  updatedAt: '2026-01-01T00:00:00.000Z',
  updatedBy: { id: '01902f3c-5a7e-7c11-b3a4-6f0d2c9e8b72', displayName: 'Test Person' },
  version: 1,
})
const headers = {
  'content-type': 'application/json; charset=utf-8',
  'content-length': Buffer.byteLength(body),
  etag: '"1.abc"',
  'cache-control': 'no-store',
}

const server = createServer({ keepAliveTimeout: 120_000 }, (_req, res) => {
  res.writeHead(200, headers)
  res.end(body)
})
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port))
process.once('disconnect', () => process.exit())
