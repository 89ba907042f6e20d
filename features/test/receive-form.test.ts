import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { receiveForm } from '@clientele/features/uploads/receive-form'
import { Problem } from '@clientele/platform/runtime/problem'
import express from 'express'
import multer from 'multer'

let server: Server
const url = (path: string) => `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`

beforeAll(async () => {
  const form = {
    storage: multer.memoryStorage(),
    limits: { fields: 3, fieldSize: 1_000, fileSize: 2_000, fieldNestingDepth: 1 },
    fileFields: ['photo', 'picture'],
  } as const
  const full = { _handleFile: (_req: unknown, _file: unknown, done: (error: Error) => void) => done(diskFull) }
  const diskFull = Object.assign(new Error('no space left'), { syscall: 'write' })
  const storage = { ...multer.memoryStorage(), ...full } as multer.StorageEngine
  const ways = {
    '/fields': form,
    '/resource': { ...form, oversizedStatus: 413 as const },
    '/full-disk': { ...form, storage },
  }
  const app = express()
  for (const [path, options] of Object.entries(ways))
    app.post(path, async (req, res) => {
      const problem = await receiveForm(req, options).catch((error: unknown) => error)
      req.resume()
      if (problem instanceof Problem) res.status(problem.status).json(problem.toBody())
      else res.status(problem === undefined ? 200 : 500).json({ thrown: problem === diskFull, body: req.body })
    })
  server = createServer(app).listen(0, '127.0.0.1')
  await once(server, 'listening')
})
afterAll(() => void server.close())

const file = (bytes = 10) => new Blob([new Uint8Array(bytes)])
const form = (...parts: [name: string, value: string | Blob][]) => {
  const data = new FormData()
  for (const [name, value] of parts) data.append(name, value)
  return data
}
const post = async (path: string, body: FormData | string, headers: Record<string, string> = {}) => {
  const answer = await fetch(url(path), { method: 'POST', body, headers })
  return { status: answer.status, body: await answer.json() }
}

it('receiveForm takes a file under each of its names, with the fields beside it', async () => {
  for (const name of ['photo', 'picture'])
    expect(await post('/fields', form(['note', 'x'], [name, file()]))).toMatchObject({
      status: 200,
      body: { body: { note: 'x' } },
    })
})

it.each([
  ['two files', form(['photo', file()], ['picture', file()]), '/photo', 'too_many'],
  ['a file in another field', form(['a/~b', file()]), '/a~1~0b', 'unknown_field'],
  ['too many fields', form(['a', ''], ['b', ''], ['c', ''], ['d', '']), '', 'too_many'],
  ['a field that is too long', form(['a', 'x'.repeat(1_001)]), '', 'too_many'],
  ['a name that is too long', form(['a'.repeat(101), '']), '', 'too_many'],
  ['a name with too many brackets', form(['a[b][c]', '']), '', 'too_many'],
])('receiveForm refuses %s with 422', async (_what, body, pointer, code) => {
  expect(await post('/fields', body)).toMatchObject({ status: 422, body: { errors: [{ pointer, code }] } })
})

it('receiveForm refuses a file that is too large with 413 and its limit', async () => {
  const { status, body } = await post('/fields', form(['photo', file(2_001)]))
  expect([status, body]).toEqual([413, expect.objectContaining({ code: 'too_large', limit: 2_000 })])
})

it('receiveForm refuses too long fields of a resource with 413, and names the field', async () => {
  const { status, body } = await post('/resource', form(['note', 'x'.repeat(1_001)]))
  const detail = 'the form has too many or too long fields (note)'
  expect([status, body]).toEqual([413, expect.objectContaining({ code: 'too_large', limit: 1_000, detail })])
})

it('receiveForm refuses a form that ends early, or that has no boundary, with 400', async () => {
  const headers = { 'content-type': 'multipart/form-data; boundary=b' }
  const cut = '--b\r\nContent-Disposition: form-data; name="note"\r\n\r\nx'
  expect(await post('/fields', cut, headers)).toMatchObject({ status: 400, body: { code: 'malformed' } })
  const none = { 'content-type': 'multipart/form-data' }
  expect(await post('/fields', 'x', none)).toMatchObject({ status: 400, body: { code: 'malformed' } })
})

it('receiveForm throws a failure of our own as it is', async () => {
  expect(await post('/full-disk', form(['photo', file()]))).toMatchObject({ status: 500, body: { thrown: true } })
})
