import { execFile } from 'node:child_process'
import { PassThrough, Readable } from 'node:stream'
import { promisify } from 'node:util'
import { eventually } from '@clientele/platform/testing/wait'
import sharp from 'sharp'
import type { ImageTask } from '../src/images/image-task.ts'
import { createImageWorker } from '../src/images/image-worker.ts'
import { anImage, pixelBomb } from './images.ts'

const produce = createImageWorker()
const maxPixels = 1_000_000
const shrink = (bytes: number): ImageTask => ({ kind: 'shrink', pixels: 10, bytes, maxPixels })

const collect = () => {
  const chunks: Uint8Array[] = []
  const sink = async (data: AsyncIterable<Uint8Array>) => {
    for await (const chunk of data) chunks.push(chunk)
  }
  return { sink, all: () => Buffer.concat(chunks) }
}

/** The process that works on an image for this one. */
const workerPid = (): Promise<number> =>
  eventually(async () => {
    const { stdout } = await promisify(execFile)('pgrep', ['-P', String(process.pid), '-f', 'image-process'])
    return Number(stdout.trim().split('\n').at(-1))
  })

const oneImage = async () => {
  const image = await anImage('jpeg')
  const { sink, all } = collect()
  const produced = await produce(shrink(image.length), Readable.from([image]), sink)
  expect(await sharp(all()).metadata()).toMatchObject({ format: 'webp', width: 10, height: 7 })
  expect(produced).toMatchObject({ width: 10, height: 7, bytes: all().length })
}

describe('the image worker', () => {
  it('works on one image after the other in one process, refused ones among them', async () => {
    await oneImage()
    const pid = await workerPid()
    const bomb = pixelBomb()
    await expect(produce(shrink(bomb.length), Readable.from([bomb]), collect().sink)).rejects.toMatchObject({
      fault: 'too_many_pixels',
    })
    await oneImage()
    expect(await workerPid()).toBe(pid)
  })

  it.each([
    ['SIGSEGV', { fault: 'undecodable' }],
    ['SIGKILL', { code: 'unavailable' }],
  ] as const)('outlives a decoder that ends by %s', async (signal, outcome) => {
    const never = new PassThrough()
    const produced = expect(produce(shrink(1_000), never, collect().sink)).rejects.toMatchObject(outcome)
    process.kill(await workerPid(), signal)
    await produced
    await oneImage()
  })

  it('ends the work, and the process, when nobody waits for it any more', async () => {
    const ended = new AbortController()
    const produced = produce(shrink(1_000), new PassThrough(), collect().sink, ended.signal)
    const pid = await workerPid()
    ended.abort(new Error('gone'))
    await expect(produced).rejects.toThrow('gone')
    await eventually(() => expect(() => process.kill(pid, 0)).toThrow('ESRCH'))
  })

  it('rejects when the source or the sink fails, and goes on', async () => {
    const failing = async function* () {
      yield Buffer.alloc(10)
      throw new Error('the source failed')
    }
    await expect(produce(shrink(1_000), Readable.from(failing()), collect().sink)).rejects.toThrow()
    const image = await anImage('png')
    let pid = 0
    const full = async () => {
      pid = await workerPid()
      throw new Error('the store is full')
    }
    await expect(produce(shrink(image.length), Readable.from([image]), full)).rejects.toThrow('the store is full')
    await eventually(() => expect(() => process.kill(pid, 0)).toThrow('ESRCH'))
    await oneImage()
  })
})
