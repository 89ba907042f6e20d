import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { PassThrough, Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { eventually } from '@clientele/platform/testing/wait'
import sharp from 'sharp'
import { createDecoderClient } from '../src/images/decoder-client.ts'
import type { ImageTask } from '../src/images/image-task.ts'
import { createDecoder, type Decoder } from './decoder-process.ts'
import { anImage, formats, largeJpeg, phonePhoto, pixelBomb } from './images.ts'

const maxPixels = 1_000_000
const shrink = (bytes: number): ImageTask => ({ kind: 'shrink', pixels: 10, bytes, maxPixels })
const unavailable = { code: 'unavailable', options: { headers: { 'Retry-After': '5' } } }

const collect = () => {
  const chunks: Uint8Array[] = []
  const sink = async (data: AsyncIterable<Uint8Array>) => {
    for await (const chunk of data) chunks.push(chunk)
  }
  return { sink, all: () => Buffer.concat(chunks) }
}

let decoder: Decoder
let produce: ReturnType<typeof createDecoderClient>

const expectTaskSucceeds = async () => {
  const image = await anImage('jpeg')
  const { sink, all } = collect()
  const produced = await produce(shrink(image.length), Readable.from([image]), sink)
  expect(await sharp(all()).metadata()).toMatchObject({ format: 'webp', width: 10, height: 7 })
  const sha256 = createHash('sha256').update(all()).digest('hex')
  expect(produced).toEqual({ width: 10, height: 7, bytes: all().length, sha256, notes: [] })
}

/** A task whose image does not arrive, and the worker process that waits for it. */
const startEndlessTask = async (signal?: AbortSignal, onDecode?: (pixels: number) => void) => {
  const source = new PassThrough()
  const produced = produce(shrink(1_000), source, collect().sink, {
    ...(signal && { signal }),
    ...(onDecode && { onDecode }),
  })
  produced.catch(() => {})
  const pid = await eventually(async () => {
    const [found] = await decoder.workers()
    if (found === undefined) throw new Error('there is no worker process')
    return found
  })
  return { produced, source, pid }
}
const expectEnds = (pid: number) => eventually(() => expect(() => process.kill(pid, 0)).toThrow('ESRCH'))

describe.each(['socket', 'port'] as const)('A decoder that listens at a %s', (kind) => {
  beforeAll(async () => {
    decoder = await createDecoder(kind)
    produce = createDecoderClient(decoder.url)
  })
  afterAll(() => decoder.remove())

  it.each(formats)('decodes %s', async (format) => {
    const image = await anImage(format)
    const { sink, all } = collect()
    const produced = await produce(shrink(image.length), Readable.from([image]), sink)
    expect(produced).toMatchObject({ width: 10, height: 7, bytes: all().length })
  })

  it('makes an upright original without metadata', async () => {
    const image = await phonePhoto()
    const { sink, all } = collect()
    const task = { kind: 'sanitise', type: 'image/jpeg', bytes: image.length, maxPixels } as const
    expect(await produce(task, Readable.from([image]), sink)).toMatchObject({ width: 40, height: 80 })
    expect((await sharp(all()).metadata()).exif).toBeUndefined()
  })

  it('tells how many pixels it has decoded, also of an image that it rejects', async () => {
    const decoded: number[] = []
    const onDecode = (pixels: number) => void decoded.push(pixels)
    const { sink } = collect()
    const image = await anImage('png')
    const { width, height } = await sharp(image).metadata()
    await produce(shrink(image.length), Readable.from([image]), sink, { onDecode })
    const damaged = image.subarray(0, image.length - 20)
    await produce(shrink(damaged.length), Readable.from([damaged]), sink, { onDecode }).catch(() => {})
    expect(decoded).toEqual([width * height, width * height])
  })

  it('rejects images with the reason, and never gives them to the sink', async () => {
    const sink = async () => {
      throw new Error('the sink was called')
    }
    const rejected = (image: Buffer) => produce(shrink(image.length), Readable.from([image]), sink)
    await expect(rejected(pixelBomb())).rejects.toMatchObject({ name: 'ImageRejected', reason: 'too_many_pixels' })
    await expect(rejected(Buffer.from('no image'))).rejects.toMatchObject({ reason: 'undecodable' })
    await expectTaskSucceeds()
  })

  it('serves health, and refuses what is not a task', async () => {
    expect(await decoder.request('GET', '/health/live')).toBe(200)
    expect(await decoder.request('GET', '/health/ready')).toBe(200)
    expect(await decoder.request('GET', '/images')).toBe(404)
    const post = (task: unknown, length = '10') =>
      decoder.request('POST', '/images', { 'x-image-task': JSON.stringify(task), 'content-length': length })
    expect(await post({ ...shrink(10), kind: 'other' })).toBe(400)
    expect(await post({ ...shrink(10), more: true })).toBe(400)
    expect(await post(shrink(10), '11')).toBe(400)
    expect(await post(shrink(600_000_000), '600000000')).toBe(400)
  })
})

describe('A decoder', () => {
  beforeAll(async () => {
    decoder = await createDecoder()
    produce = createDecoderClient(decoder.url)
  })
  afterAll(() => decoder.remove())

  it('needs nothing in its environment but its address', () => {
    const environment = readFileSync(`/proc/${decoder.pid()}/environ`, 'utf8').split('\0').filter(Boolean)
    expect(environment.map((line) => line.split('=')[0]).sort()).toEqual(['IMAGE_DECODER_SOCKET', 'IMAGE_SANDBOX'])
  })

  it.each([
    ['SIGSEGV', { reason: 'undecodable' }],
    ['SIGKILL', unavailable],
  ] as const)('goes on after its worker process has ended by %s', async (signal, outcome) => {
    const { produced, pid } = await startEndlessTask()
    process.kill(pid, signal)
    await expect(produced).rejects.toMatchObject(outcome)
    await expectTaskSucceeds()
  })

  it.each(['before', 'after'])('ends a task that the client aborts %s the image has arrived', async (when) => {
    const ended = new AbortController()
    const decoded: number[] = []
    const { produced, source, pid } = await startEndlessTask(ended.signal, (pixels) => void decoded.push(pixels))
    if (when === 'after') {
      process.kill(pid, 'SIGSTOP')
      source.end(Buffer.alloc(1_000))
      await once(source, 'end')
    }
    ended.abort(new Error('gone'))
    await expect(produced).rejects.toThrow('gone')
    expect(decoded).toEqual([maxPixels])
    await expectEnds(pid)
    expect(source.destroyed).toBe(true)
    await expectTaskSucceeds()
  })

  it('ends a task whose source or sink fails', async () => {
    const { produced, source, pid } = await startEndlessTask()
    source.destroy(new Error('the source failed'))
    await expect(produced).rejects.toMatchObject(unavailable)
    await expectEnds(pid)
    const image = await anImage('png')
    const full = async (data: AsyncIterable<Uint8Array>) => {
      for await (const _ of data) throw new Error('the store is full')
    }
    await expect(produce(shrink(image.length), Readable.from([image]), full)).rejects.toThrow('the store is full')
    await expectTaskSucceeds()
  })

  it('sends an image whole to a client that reads slowly, and keeps others waiting meanwhile', async () => {
    const image = await largeJpeg(1200, 800)
    const task = { kind: 'sanitise', type: 'image/jpeg', bytes: image.length, maxPixels } as const
    const chunks: Uint8Array[] = []
    const slow = async (data: AsyncIterable<Uint8Array>) => {
      for await (const chunk of data) {
        chunks.push(chunk)
        await sleep(20)
      }
    }
    const [{ bytes, sha256 }] = await Promise.all([
      produce(task, Readable.from([image]), slow),
      expectTaskSucceeds(),
      expectTaskSucceeds(),
    ])
    const all = Buffer.concat(chunks)
    expect([all.length, createHash('sha256').update(all).digest('hex')]).toEqual([bytes, sha256])
    expect(await sharp(all).metadata()).toMatchObject({ width: 1200, height: 800 })
    expect(await decoder.workers()).toHaveLength(1)
  })

  it('finishes its task before it stops, and the next one waits for its successor', async () => {
    const { produced, source } = await startEndlessTask()
    const stopped = decoder.stop()
    await eventually(() => expect(decoder.request('GET', '/health/live')).rejects.toThrow())
    const next = expectTaskSucceeds()
    source.end(Buffer.alloc(1_000))
    await expect(produced).rejects.toMatchObject({ reason: 'undecodable' })
    expect(await stopped).toEqual([0, null])
    await decoder.start()
    await next
  })

  it('that is gone means 503, until it is back', async () => {
    const { produced } = await startEndlessTask()
    await decoder.stop('SIGKILL')
    await expect(produced).rejects.toMatchObject(unavailable)
    const image = await anImage('jpeg')
    const refused = produce(shrink(image.length), Readable.from([image]), collect().sink)
    await expect(refused).rejects.toMatchObject(unavailable)
    // Its socket is still there.
    await decoder.start()
    await expectTaskSucceeds()
  })
})
