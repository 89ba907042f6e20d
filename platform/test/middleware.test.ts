import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createApi, created, ok } from '@clientele/platform/http/api'
import { notFoundHandler, problemHandler } from '@clientele/platform/http/error-response'
import { requestContext } from '@clientele/platform/http/request-lifecycle'
import { Problem } from '@clientele/platform/runtime/problem'
import { client } from '@clientele/platform/testing/client'
import { testConfig, testLog, testVerifier } from '@clientele/platform/testing/service'
import { tokenFor } from '@clientele/platform/testing/tokens'
import express, { type ErrorRequestHandler, type Express, type RequestHandler } from 'express'
import { z } from 'zod'

const Thing = z.object({ name: z.string() })
const route = { tag: 'things', summary: 'a thing' } as const
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
  return client(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, (await tokenFor('user')).token)
}

describe('standard Express middleware', () => {
  it('in front of a service sees every request, and may answer it', async () => {
    const seen: string[] = []
    const cors: RequestHandler = (req, res, next) => {
      seen.push(`${req.method} ${req.path}`)
      res.set('Access-Control-Allow-Origin', '*')
      if (req.method === 'OPTIONS') res.sendStatus(204)
      else next()
    }
    const user = await serve(express().use(cors).use(createThings().app()))

    const answers = [
      await user.get('/v1/things/a'),
      await user.post('/v1/things', { name: 'b' }),
      await user.post('/v1/things', { name: 1 }),
      await user.get('/v1/nothing'),
      await user.delete('/v1/things/a'),
      await user.raw('OPTIONS', '/v1/things'),
    ]
    expect(answers.map(({ status }) => status)).toEqual([200, 201, 422, 404, 405, 204])
    for (const { headers } of answers) expect(headers.get('access-control-allow-origin')).toBe('*')
    expect(seen).toEqual([
      'GET /v1/things/a',
      'POST /v1/things',
      'POST /v1/things',
      'GET /v1/nothing',
      'DELETE /v1/things/a',
      'OPTIONS /v1/things',
    ])
  })

  it('behind the routes sees the requests that they leave and the errors of all, and may pass them on', async () => {
    const unknown: string[] = []
    const errors: string[] = []
    const note: RequestHandler = (req, _res, next) => {
      unknown.push(req.path)
      next()
    }
    const report: ErrorRequestHandler = (error, _req, _res, next) => {
      errors.push(error instanceof Problem ? error.code : error.message)
      next(error)
    }
    const app = express().use(requestContext(log)).use(createThings().router())
    const user = await serve(app.use(note).use(notFoundHandler).use(report).use(problemHandler))

    const answers = [
      await user.get('/v1/things/a'),
      await user.get('/v1/things/broken'),
      await user.post('/v1/things', { name: 1 }),
      await user.get('/v1/nothing'),
      await user.delete('/v1/things/a'),
    ]
    expect(answers.map(({ status }) => status)).toEqual([200, 500, 422, 404, 405])
    expect(unknown).toEqual(['/v1/nothing'])
    expect(errors).toEqual(['broken', 'validation', 'not_found', 'method_not_allowed'])
  })

  it('that has read the body leaves it to the routes', async () => {
    const user = await serve(express().use(express.json()).use(createThings().app()))
    expect((await user.post('/v1/things', { name: 'a' })).body).toEqual({ name: 'a' })
  })
})
