import { randomUUID } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import { client } from '@clientele/platform/testing/client'
import { createSignedInUser } from '@clientele/platform/testing/tokens'
import { eventually } from '@clientele/platform/testing/wait'
import { largeJpeg } from './images.ts'
import { form, type Setup, startMedia } from './media-setup.ts'

let media: Setup
let image: Buffer
beforeAll(async () => {
  media = await startMedia({ mediaIdleMs: 1_500 }, { consuming: false })
  image = await largeJpeg(900, 700)
})
afterAll(() => media.stop())

const boundary = 'a-boundary'
const partHead = `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\nContent-Type: image/jpeg\r\n\r\n`
const formEnd = `\r\n--${boundary}--\r\n`

/** Starts an upload: sends the headers and the start of the form. The caller sends the rest on the socket. */
const startUpload = async (length: number, { service, person } = media, headers: string[] = []): Promise<Socket> => {
  const { hostname, port } = new URL(service.url)
  const socket = connect(Number(port), hostname)
  socket.on('error', () => {})
  socket.resume()
  await new Promise((resolve) => socket.once('connect', resolve))
  const head = [
    'POST /v1/media HTTP/1.1',
    'Host: media',
    `Authorization: Bearer ${person.token}`,
    `Content-Type: multipart/form-data; boundary=${boundary}`,
    `Content-Length: ${length}`,
    ...headers,
    '',
    partHead,
  ]
  socket.write(head.join('\r\n'))
  return socket
}

const expectNothingStored = () =>
  eventually(async () => {
    expect(await media.keys()).toEqual([])
    expect(await media.db.query('select id from media')).toEqual([])
  })

const lengthOf = (file: Buffer) => partHead.length + file.length + formEnd.length

describe('Aborted uploads', () => {
  it('a client that disconnects during its upload leaves no object and no row', async () => {
    const socket = await startUpload(lengthOf(image))
    socket.write(image.subarray(0, image.length / 2))
    await eventually(async () => expect(await media.keys()).toEqual([expect.stringMatching(/^part\//)]))
    socket.destroy()
    await expectNothingStored()
  })

  it('a client that disconnects at the start of its file leaves no object and no row', async () => {
    const socket = await startUpload(lengthOf(image))
    socket.write(image.subarray(0, 3))
    socket.destroy()
    await expectNothingStored()
  })

  it('a client that disconnects while its image is processed leaves no object and no row', async () => {
    const socket = await startUpload(lengthOf(image))
    socket.write(image)
    socket.write(formEnd)
    await eventually(
      async () => expect(await media.keys()).toEqual(expect.arrayContaining([expect.stringMatching(/^incoming\//)])),
      { timeoutMs: 10_000, everyMs: 1 },
    )
    socket.destroy()
    await expectNothingStored()
  })

  it('a client that disconnects just before its image is kept can send it again under the same Idempotency-Key', async () => {
    const key = randomUUID()
    await media.db.transaction(async (tx) => {
      await media.db.query('lock table idempotency_keys in access exclusive mode', [], { tx })
      const socket = await startUpload(lengthOf(image), media, [`Idempotency-Key: ${key}`])
      socket.write(image)
      socket.write(formEnd)
      const waiting = `select 1 from pg_locks where not granted and relation = 'idempotency_keys'::regclass`
      await eventually(async () => expect(await media.db.query(waiting)).toHaveLength(1))
      socket.destroy()
      await eventually(async () => expect(await media.keys()).toEqual([]))
    })
    await eventually(async () => {
      const { status, body } = await media.user.post('/v1/media', form(image), { 'idempotency-key': key })
      expect([status, body.detail]).toEqual([201, undefined])
      await media.user.delete(`/v1/media/${body.id}`)
    })
    await eventually(async () => expect(await media.keys()).toEqual([]))
    await media.db.query('delete from media')
  })

  it('POST /v1/media returns 400 for a form that ends before its boundary', async () => {
    const socket = await startUpload(partHead.length + 1_000)
    const response = new Promise<string>((resolve) => socket.once('data', (data) => resolve(data.toString())))
    socket.write(image.subarray(0, 1_000))
    expect(await response).toMatch(/^HTTP\/1.1 400 /)
    socket.destroy()
    await expectNothingStored()
  })

  it('POST /v1/media returns 408 to a client that stops sending, and keeps nothing', async () => {
    const socket = await startUpload(lengthOf(image))
    const response = new Promise<string>((resolve) => socket.once('data', (data) => resolve(data.toString())))
    const closed = new Promise((resolve) => socket.once('close', resolve))
    socket.write(image.subarray(0, image.length / 2))
    expect(await response).toMatch(/^HTTP\/1.1 408 /)
    await closed
    await expectNothingStored()
  })

  it('twenty disconnected clients do not count as active uploads', async () => {
    const sockets = await Promise.all(Array.from({ length: 20 }, () => startUpload(lengthOf(image))))
    for (const socket of sockets) socket.write(image.subarray(0, 100_000))
    for (const socket of sockets) socket.destroy()
    await expectNothingStored()
    const { status, body } = await media.user.post('/v1/media', form(image))
    expect(status).toBe(201)
    await media.user.delete(`/v1/media/${body.id}`)
    await eventually(async () => expect(await media.keys()).toEqual([]))
  })
})

describe('MEDIA_MAX_UPLOADS', () => {
  let small: Setup
  beforeAll(async () => {
    small = await startMedia({ mediaMaxUploads: 2 }, { consuming: false })
  })
  afterAll(() => small.stop())

  it('POST /v1/media returns 503 with Retry-After if too many uploads are active, and 201 as soon as one has ended', async () => {
    const other = await createSignedInUser(['user'])
    const sockets = [
      await startUpload(lengthOf(image), small),
      await startUpload(lengthOf(image), { ...small, person: other }),
    ]
    for (const socket of sockets) socket.write(image.subarray(0, 100_000))
    await eventually(async () => expect(await small.keys()).toHaveLength(2))
    const { status, headers, body } = await small.user.post('/v1/media', form(image))
    expect({ status, code: body.code, after: headers.get('retry-after') }).toEqual({
      status: 503,
      code: 'unavailable',
      after: '5',
    })
    for (const socket of sockets) socket.destroy()
    await eventually(async () => expect((await small.user.post('/v1/media', form(image))).status).toBe(201))
  })

  it('POST /v1/media returns 429 to a user who has half of the uploads, and 201 to another user', async () => {
    const socket = await startUpload(lengthOf(image), small)
    socket.write(image.subarray(0, 100_000))
    await eventually(async () => expect((await small.keys()).some((key) => key.startsWith('part/'))).toBe(true))
    const { status, headers, body } = await small.user.post('/v1/media', form(image))
    expect({ status, code: body.code, after: headers.get('retry-after') }).toEqual({
      status: 429,
      code: 'rate_limited',
      after: '5',
    })
    const other = await createSignedInUser(['user'])
    expect((await client(small.service.url, other.token).post('/v1/media', form(image))).status).toBe(201)
    socket.destroy()
  })
})
