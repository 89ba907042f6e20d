import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { receiveForm } from '@clientele/features/uploads/receive-form'
import { Problem } from '@clientele/platform/runtime/problem'
import express from 'express'
import fc from 'fast-check'
import multer from 'multer'

let server: Server
const url = (path: string) => `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`

beforeAll(async () => {
  const form = {
    storage: multer.memoryStorage(),
    limits: { fields: 3, fieldSize: 1_000, fileSize: 2_000, fieldNestingDepth: 1 },
    fileFields: ['photo', 'picture'],
  } as const
  const failingHandler = {
    _handleFile: (_req: unknown, _file: unknown, done: (error: Error) => void) => done(diskFull),
  }
  const diskFull = Object.assign(new Error('no space left'), { syscall: 'write' })
  const storage = { ...multer.memoryStorage(), ...failingHandler } as multer.StorageEngine
  const routes = {
    '/fields': form,
    '/resource': { ...form, oversizedStatus: 413 as const },
    '/full-disk': { ...form, storage },
  }
  const app = express()
  for (const [path, options] of Object.entries(routes))
    app.post(path, async (req, res) => {
      const problem = await receiveForm(req, options).catch((error: unknown) => error)
      req.resume()
      if (problem instanceof Problem) res.status(problem.status).json(problem.toBody())
      else
        res.status(problem === undefined ? 200 : 500).json({
          thrown: problem === diskFull,
          body: req.body,
          files: (req.files as Express.Multer.File[] | undefined)?.map(({ originalname }) => originalname),
        })
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
const post = async (
  path: string,
  body: FormData | string | Buffer<ArrayBuffer>,
  headers: Record<string, string> = {},
) => {
  const response = await fetch(url(path), { method: 'POST', body, headers })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

it('receiveForm accepts a file under each of its field names, together with other fields', async () => {
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
])('receiveForm rejects %s with 422', async (_what, body, pointer, code) => {
  expect(await post('/fields', body)).toMatchObject({ status: 422, body: { errors: [{ pointer, code }] } })
})

it('receiveForm rejects a file that is too large with 413 and names the limit', async () => {
  const { status, body } = await post('/fields', form(['photo', file(2_001)]))
  expect([status, body]).toEqual([413, expect.objectContaining({ code: 'too_large', limit: 2_000 })])
})

it('receiveForm rejects a too long field with 413 and names it when oversizedStatus is 413', async () => {
  const { status, body } = await post('/resource', form(['note', 'x'.repeat(1_001)]))
  const detail = 'the form has too many or too long fields (note)'
  expect([status, body]).toEqual([413, expect.objectContaining({ code: 'too_large', limit: 1_000, detail })])
})

it('receiveForm rejects a form that is incomplete or has no boundary with 400', async () => {
  const headers = { 'content-type': 'multipart/form-data; boundary=b' }
  const incomplete = '--b\r\nContent-Disposition: form-data; name="note"\r\n\r\nx'
  expect(await post('/fields', incomplete, headers)).toMatchObject({ status: 400, body: { code: 'malformed' } })
  const noBoundary = { 'content-type': 'multipart/form-data' }
  expect(await post('/fields', 'x', noBoundary)).toMatchObject({ status: 400, body: { code: 'malformed' } })
})

describe('Fields that are not UTF-8', () => {
  const headers = { 'content-type': 'multipart/form-data; boundary=b' }
  const part = (disposition: string, value: string, type = '') =>
    `--b\r\nContent-Disposition: form-data; ${disposition}\r\n${type}\r\n${value}\r\n`
  const latin1 = (...parts: string[]) => Buffer.from(`${parts.join('')}--b--\r\n`, 'latin1')
  const errors = (pointer: string, message: string) => ({
    status: 422,
    body: { errors: [{ pointer, code: 'wrong_encoding', message }] },
  })

  it.each([
    ['a value in ISO 8859-1', part('name="name"', 'Jos\xe9'), '/name'],
    ['a cut UTF-8 sequence', part('name="tags[0]"', 'Jos\xc3'), '/tags[0]'],
    ['an encoding that is not known', part('name="name"', 'x', 'Content-Type: text/plain; charset=koi9\r\n'), '/name'],
  ])('receiveForm refuses %s with 422', async (_what, bad, pointer) => {
    const sent = latin1(part('name="note"', 'a'), bad, part('name="photo"; filename="a.png"', 'x'))
    expect(await post('/fields', sent, headers)).toMatchObject(errors(pointer, 'is not UTF-8: send the form in UTF-8'))
    const after = latin1(part('name="photo"; filename="a.png"', 'x'.repeat(1_500)), bad)
    expect((await post('/fields', after, headers)).status).toBe(422)
  })

  it('receiveForm refuses the name of a field with 422', async () => {
    const expected = errors('', 'has a field whose name is not UTF-8: send the form in UTF-8')
    expect(await post('/fields', latin1(part('name="gr\xf6\xdfe"', 'M')), headers)).toMatchObject(expected)
  })

  it('receiveForm reads a field in the encoding that it declares, and UTF-8', async () => {
    const declared = part('name="a"', 'Jos\xe9', 'Content-Type: text/plain; charset=ISO-8859-1\r\n')
    expect(await post('/fields', latin1(declared, part('name="b"', 'Jos\xc3\xa9')), headers)).toEqual({
      status: 200,
      body: { thrown: false, body: { a: 'José', b: 'José' }, files: [] },
    })
  })

  it.each([
    ['Jos\xe9.csv', 'Jos_.csv'],
    ['\xc1\xe2\xe4.png', '_.png'],
    ['Jos\xc3\xa9.csv', 'José.csv'],
  ])('receiveForm shows the file name %j as %s', async (sent, shown) => {
    const body = latin1(part(`name="photo"; filename="${sent}"`, 'x'))
    expect(await post('/fields', body, headers)).toMatchObject({ status: 200, body: { files: [shown] } })
  })

  it('receiveForm ends with a value or a problem for any bytes', async () => {
    const isEnded = async (bytes: Uint8Array) => {
      const body = Buffer.concat([
        latin1(part('name="note"', 'a')).subarray(0, -7),
        Buffer.from('--b\r\nContent-Disposition: form-data; name="x"\r\n\r\n'),
        bytes,
        Buffer.from('\r\n--b--\r\n'),
      ])
      const { status, body: response } = await post('/fields', body, headers)
      if (status === 200) expect(JSON.stringify(response)).not.toContain('\ufffd')
      else expect([400, 422]).toContain(status)
    }
    await fc.assert(fc.asyncProperty(fc.uint8Array({ maxLength: 60 }), isEnded), { numRuns: 200 })
  })
})

it('receiveForm throws a system error unchanged', async () => {
  expect(await post('/full-disk', form(['photo', file()]))).toMatchObject({ status: 500, body: { thrown: true } })
})

it.each([['4294967294'], ['100000000'], ['4']])('a field name with the index %s returns 422 at once', async (index) => {
  const from = performance.now()
  const { status, body } = await post('/resource', form([`tags[${index}]`, 'a'], [`tags[${index}]`, 'b']))
  expect({ status, errors: body['errors'] }).toEqual({
    status: 422,
    errors: [{ pointer: `/tags[${index}]`, code: 'too_big', message: 'must have an index of at most 3' }],
  })
  expect(performance.now() - from).toBeLessThan(1_000)
})

it('field names with small indexes make a list', async () => {
  const { status, body } = await post('/resource', form(['tags[0]', 'a'], ['tags[1]', 'b']))
  expect([status, body['body']]).toEqual([200, { tags: ['a', 'b'] }])
})
