import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createApi, created, ok } from '@clientele/platform/http/api'
import { notFoundHandler, problemHandler } from '@clientele/platform/http/error-response'
import { requestContext } from '@clientele/platform/http/request-lifecycle'
import { Problem } from '@clientele/platform/runtime/problem'
import { client } from '@clientele/platform/testing/client'
import { testConfig, testLog, testVerifier } from '@clientele/platform/testing/service'
import { signedInAs } from '@clientele/platform/testing/tokens'
import express, { type ErrorRequestHandler, type Express, type RequestHandler } from 'express'
import { z } from 'zod'

const Thing = z.object({ name: z.string() })
const route = { tag: 'things', summary: 'Do something with a thing' } as const
const config = testConfig()
const log = testLog()

const createThings = () => {
  const api = createApi({ service: 'test', title: 'Test', verifier: testVerifier(config), log, config })
  api.operation(
    {
      ...route,
      method: 'get',
      path: '/v1/things/{name}',
      operationId: 'getThing',
      roles: 'public',
      params: Thing,
      responses: { 200: Thing },
    },
    async ({ params }) => {
      if (params.name === 'broken') throw new Error('broken')
      return ok(params)
    },
  )
  api.operation(
    {
      ...route,
      method: 'post',
      path: '/v1/things',
      operationId: 'createThing',
      roles: ['user'],
      body: Thing,
      responses: { 201: Thing },
    },
    async ({ body }) => created(body, `/v1/things/${body.name}`),
  )
  return api
}

let server: Server | undefined
afterEach(() => server?.close())
const serve = async (app: Express) => {
  server = createServer(app).listen(0, '127.0.0.1')
  await new Promise((resolve) => server?.once('listening', resolve))
  return client(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, (await signedInAs('user')).token)
}

describe('Standard Express middleware', () => {
  it('a middleware before a service sees every request and may respond itself', async () => {
    const seen: string[] = []
    const cors: RequestHandler = (req, res, next) => {
      seen.push(`${req.method} ${req.path}`)
      res.set('Access-Control-Allow-Origin', '*')
      if (req.method === 'OPTIONS') res.sendStatus(204)
      else next()
    }
    const user = await serve(express().use(cors).use(createThings().app()))

    const responses = [
      await user.get('/v1/things/a'),
      await user.post('/v1/things', { name: 'b' }),
      await user.post('/v1/things', { name: 1 }),
      await user.get('/v1/nothing'),
      await user.delete('/v1/things/a'),
      await user.raw('OPTIONS', '/v1/things'),
    ]
    expect(responses.map(({ status }) => status)).toEqual([200, 201, 422, 404, 405, 204])
    for (const { headers } of responses) expect(headers.get('access-control-allow-origin')).toBe('*')
    expect(seen).toEqual([
      'GET /v1/things/a',
      'POST /v1/things',
      'POST /v1/things',
      'GET /v1/nothing',
      'DELETE /v1/things/a',
      'OPTIONS /v1/things',
    ])
  })

  it('a middleware after the routes sees unmatched requests and all errors', async () => {
    const unmatched: string[] = []
    const errors: string[] = []
    const recordPath: RequestHandler = (req, _res, next) => {
      unmatched.push(req.path)
      next()
    }
    const recordError: ErrorRequestHandler = (error, _req, _res, next) => {
      errors.push(error instanceof Problem ? error.code : error.message)
      next(error)
    }
    const app = express().use(requestContext(log)).use(createThings().router())
    const user = await serve(app.use(recordPath).use(notFoundHandler).use(recordError).use(problemHandler))

    const responses = [
      await user.get('/v1/things/a'),
      await user.get('/v1/things/broken'),
      await user.post('/v1/things', { name: 1 }),
      await user.get('/v1/nothing'),
      await user.delete('/v1/things/a'),
    ]
    expect(responses.map(({ status }) => status)).toEqual([200, 500, 422, 404, 405])
    expect(unmatched).toEqual(['/v1/nothing'])
    expect(errors).toEqual(['broken', 'validation', 'not_found', 'method_not_allowed'])
  })

  it('a middleware may parse the body before the routes do', async () => {
    const user = await serve(express().use(express.json()).use(createThings().app()))
    expect((await user.post('/v1/things', { name: 'a' })).body).toEqual({ name: 'a' })
  })
})
