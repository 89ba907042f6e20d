import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createApi, ok } from '@clientele/platform/http/api'
import { formBody } from '@clientele/platform/http/form-body'
import { client } from '@clientele/platform/testing/client'
import { testConfig, testLog, testVerifier } from '@clientele/platform/testing/service'
import { z } from 'zod'

const Form = z.object({ id: z.string().min(1), note: z.string().max(20).optional() })
const type = 'application/x-www-form-urlencoded'

const config = testConfig()
const api = createApi({ service: 'test', title: 'Test', verifier: testVerifier(config), log: testLog(), config })
api.operation(
  {
    tag: 'things',
    summary: 'Send a form',
    method: 'post',
    path: '/v1/forms',
    operationId: 'sendForm',
    roles: 'public',
    uploads: { [type]: formBody(Form, 200) },
    responses: { 200: Form },
  },
  async ({ body }) => ok(body),
)

let server: Server
let base = ''
beforeAll(async () => {
  server = createServer(api.app()).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(() => server.close())

const send = (body: string, headers: Record<string, string> = { 'content-type': type }) =>
  client(base).raw('POST', '/v1/forms', { headers, body })

describe('Form bodies', () => {
  it('the fields of a form are decoded', async () => {
    const { status, body } = await send('id=%2B254+1&note=caf%C3%A9&more=x', {
      'content-type': `${type}; charset=utf-8`,
    })
    expect([status, body]).toEqual([200, { id: '+254 1', note: 'café' }])
  })

  it('a form with invalid fields gets 422 listing each of them', async () => {
    const { status, body } = await send(`note=${'x'.repeat(21)}`)
    expect(status).toBe(422)
    expect(body.errors.map(({ pointer }: { pointer: string }) => pointer).sort()).toEqual(['/id', '/note'])
  })

  it('an empty form gets 422', async () => expect((await send('')).status).toBe(422))

  it('a form with a repeated field gets 400', async () => expect((await send('id=a&id=b')).status).toBe(400))

  it('a form that is too large gets 413 with the limit', async () => {
    const { status, body } = await send(`id=${'a'.repeat(300)}`)
    expect([status, body.limit]).toEqual([413, 200])
  })

  it('a form with a content encoding or another content type gets 415', async () => {
    expect((await send('id=a', { 'content-type': type, 'content-encoding': 'gzip' })).status).toBe(415)
    expect((await send('{"id":"a"}', { 'content-type': 'application/json' })).status).toBe(415)
  })

  it('a form may have fields of any name', async () => {
    const { status, body } = await send('id=a&__proto__=x&constructor=y')
    expect([status, body]).toEqual([200, { id: 'a' }])
  })
})
