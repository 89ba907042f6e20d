import { randomUUID } from 'node:crypto'
import { connect, type Socket } from 'node:net'
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
const open = `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\nContent-Type: image/jpeg\r\n\r\n`
const close = `\r\n--${boundary}--\r\n`

/** Sends the head of an upload and then what it is told to. */
const uploadBySocket = async (length: number, { service, person } = media, headers: string[] = []): Promise<Socket> => {
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
    open,
  ]
  socket.write(head.join('\r\n'))
  return socket
}

const nothingIsLeft = () =>
  eventually(async () => {
    expect(await media.keys()).toEqual([])
    expect(await media.db.query('select id from media')).toEqual([])
  })

const lengthOf = (file: Buffer) => open.length + file.length + close.length

describe('uploads that break off', () => {
  it('a client that goes away in mid-upload leaves nothing behind', async () => {
    const socket = await uploadBySocket(lengthOf(image))
    socket.write(image.subarray(0, image.length / 2))
    await eventually(async () => expect(await media.keys()).toEqual([expect.stringMatching(/^part\//)]))
    socket.destroy()
    await nothingIsLeft()
  })

  it('a client that goes away before the first byte of its file leaves nothing behind', async () => {
    const socket = await uploadBySocket(lengthOf(image))
    socket.write(image.subarray(0, 3))
    socket.destroy()
    await nothingIsLeft()
  })

  it('a client that goes away while its image is worked on leaves nothing behind', async () => {
    const socket = await uploadBySocket(lengthOf(image))
    socket.write(image)
    socket.write(close)
    await eventually(
      async () => expect(await media.keys()).toEqual(expect.arrayContaining([expect.stringMatching(/^incoming\//)])),
      { timeoutMs: 10_000, everyMs: 1 },
    )
    socket.destroy()
    await nothingIsLeft()
  })

  it('a client that goes away just before its image is kept can send it again under its Idempotency-Key', async () => {
    const key = randomUUID()
    await media.db.transaction(async (tx) => {
      await media.db.query('lock table idempotency_keys in access exclusive mode', [], { tx })
      const socket = await uploadBySocket(lengthOf(image), media, [`Idempotency-Key: ${key}`])
      socket.write(image)
      socket.write(close)
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

  it('a form that ends before its boundary is answered with 400', async () => {
    const socket = await uploadBySocket(open.length + 1_000)
    const answer = new Promise<string>((resolve) => socket.once('data', (data) => resolve(data.toString())))
    socket.write(image.subarray(0, 1_000))
    expect(await answer).toMatch(/^HTTP\/1.1 400 /)
    socket.destroy()
    await nothingIsLeft()
  })

  it('a client that stops sending is answered with 408 and leaves nothing behind', async () => {
    const socket = await uploadBySocket(lengthOf(image))
    const answer = new Promise<string>((resolve) => socket.once('data', (data) => resolve(data.toString())))
    const closed = new Promise((resolve) => socket.once('close', resolve))
    socket.write(image.subarray(0, image.length / 2))
    expect(await answer).toMatch(/^HTTP\/1.1 408 /)
    await closed
    await nothingIsLeft()
  })

  it('twenty clients that go away do not use up the places of others', async () => {
    const sockets = await Promise.all(Array.from({ length: 20 }, () => uploadBySocket(lengthOf(image))))
    for (const socket of sockets) socket.write(image.subarray(0, 100_000))
    for (const socket of sockets) socket.destroy()
    await nothingIsLeft()
    const { status, body } = await media.user.post('/v1/media', form(image))
    expect(status).toBe(201)
    await media.user.delete(`/v1/media/${body.id}`)
    await eventually(async () => expect(await media.keys()).toEqual([]))
  })
})

describe('more uploads than places', () => {
  let small: Setup
  beforeAll(async () => {
    small = await startMedia({ mediaMaxUploads: 2 }, { consuming: false })
  })
  afterAll(() => small.stop())

  it('POST /v1/media answers 503 with Retry-After for the surplus, and 201 as soon as there is a place', async () => {
    const sockets = [await uploadBySocket(lengthOf(image), small), await uploadBySocket(lengthOf(image), small)]
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
})
