import { signedInAs } from '@clientele/platform/testing/tokens'
import { startGateway, type TestGateway } from './gateway.ts'

describe('Forwarding', () => {
  let gateway: TestGateway
  let token: string
  beforeAll(async () => {
    gateway = await startGateway()
    token = (await signedInAs('user')).token
  }, 60_000)
  afterAll(() => gateway?.stop())

  it('method, path, query and body are forwarded, and the response is returned', async () => {
    const { status, body, headers } = await gateway.as(token).post('/v1/customers?x=%F0%9F%98%80', { name: 'Ana' })
    expect({ status, method: body.method, url: body.url, bytes: body.bytes }).toEqual({
      status: 200,
      method: 'POST',
      url: '/v1/customers?x=%F0%9F%98%80',
      bytes: 14,
    })
    expect(headers.get('x-request-id')).toBe(body.headers['x-request-id'])
  })
})
