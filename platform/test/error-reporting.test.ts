import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { withContext } from '@clientele/platform/runtime/context'
import { reportError, startErrorReporting, stopErrorReporting } from '@clientele/platform/runtime/error-reporting'
import { testLog } from '@clientele/platform/testing/service'

let sentry: Server
const envelopes: { path: string; text: string }[] = []
beforeAll(async () => {
  sentry = createServer(async (req, res) => {
    const chunks: Buffer[] = []
    for await (const chunk of req) chunks.push(chunk as Buffer)
    envelopes.push({ path: req.url ?? '', text: Buffer.concat(chunks).toString() })
    res.writeHead(200, { 'content-type': 'application/json' }).end('{}')
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => sentry.once('listening', resolve))
})
afterAll(() => sentry.close())

describe('Error reporting', () => {
  it('an error is not reported without a DSN', async () => {
    await startErrorReporting({ service: 'test-service' })
    reportError(new Error('silent'))
    await stopErrorReporting()
    expect(envelopes).toEqual([])
  })

  it('an error is reported to Sentry with the request id and no other data of the request', async () => {
    const { port } = sentry.address() as AddressInfo
    await startErrorReporting({ dsn: `http://publickey@127.0.0.1:${port}/7`, service: 'test-service' })
    withContext({ log: testLog(), requestId: 'req-1' }, () => reportError(new Error('a bug')))
    await stopErrorReporting()
    expect(envelopes).toHaveLength(1)
    expect(envelopes[0]?.path).toMatch('/api/7/envelope/')
    const event = JSON.parse(envelopes[0]?.text.split('\n')[2] ?? '')
    expect(event).toMatchObject({
      server_name: 'test-service',
      tags: { requestId: 'req-1' },
      exception: { values: [{ type: 'Error', value: 'a bug' }] },
    })
    expect(Object.keys(event)).not.toEqual(expect.arrayContaining(['request']))
    expect(Object.keys(event)).not.toEqual(expect.arrayContaining(['user']))
  })
})
