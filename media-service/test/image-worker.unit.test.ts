import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { PassThrough, Readable } from 'node:stream'
import { promisify } from 'node:util'
import { eventually } from '@clientele/platform/testing/wait'
import sharp from 'sharp'
import type { ImageTask } from '../src/images/image-task.ts'
import { createImageWorker } from '../src/images/image-worker.ts'
import { anImage, pixelBomb } from './images.ts'

const produce = createImageWorker((command) => [...command])
const maxPixels = 1_000_000
const shrink = (bytes: number): ImageTask => ({ kind: 'shrink', pixels: 10, bytes, maxPixels })

const collect = () => {
  const chunks: Uint8Array[] = []
  const sink = async (data: AsyncIterable<Uint8Array>) => {
    for await (const chunk of data) chunks.push(chunk)
  }
  return { sink, all: () => Buffer.concat(chunks) }
}

/** The process id of the worker. */
const workerPid = (): Promise<number> =>
  eventually(async () => {
    const { stdout } = await promisify(execFile)('pgrep', ['-P', String(process.pid), '-f', 'image-process'])
    return Number(stdout.trim().split('\n').at(-1))
  })

const expectTaskSucceeds = async () => {
  const image = await anImage('jpeg')
  const { sink, all } = collect()
  const produced = await produce(shrink(image.length), Readable.from([image]), sink)
  expect(await sharp(all()).metadata()).toMatchObject({ format: 'webp', width: 10, height: 7 })
  expect(produced).toMatchObject({ width: 10, height: 7, bytes: all().length })
}

describe('Image worker', () => {
  it('one process does several tasks, also after a rejected image', async () => {
    await expectTaskSucceeds()
    const pid = await workerPid()
    const bomb = pixelBomb()
    await expect(produce(shrink(bomb.length), Readable.from([bomb]), collect().sink)).rejects.toMatchObject({
      reason: 'too_many_pixels',
    })
    await expectTaskSucceeds()
    expect(await workerPid()).toBe(pid)
  })

  it.each([
    ['SIGSEGV', { reason: 'undecodable' }],
    ['SIGKILL', { code: 'unavailable' }],
  ] as const)('the next task succeeds after the process has ended by %s', async (signal, outcome) => {
    const never = new PassThrough()
    const produced = expect(produce(shrink(1_000), never, collect().sink)).rejects.toMatchObject(outcome)
    process.kill(await workerPid(), signal)
    await produced
    await expectTaskSucceeds()
  })

  it('an abort of the signal rejects the task and ends the process', async () => {
    const ended = new AbortController()
    const produced = produce(shrink(1_000), new PassThrough(), collect().sink, { signal: ended.signal })
    const pid = await workerPid()
    ended.abort(new Error('gone'))
    await expect(produced).rejects.toThrow('gone')
    await eventually(() => expect(() => process.kill(pid, 0)).toThrow('ESRCH'))
  })

  it('the pixels of an image are known before it is decoded, and an image with too many of them is not decoded', async () => {
    const { sink, all } = collect()
    const decoded: { pixels: number; bytesBefore: number }[] = []
    const ended = new AbortController()
    const onDecode = (pixels: number) => {
      decoded.push({ pixels, bytesBefore: all().length })
      ended.abort(new Error('gone'))
    }
    const [image, bomb] = [await anImage('png', 5_000, 4_000), pixelBomb()]
    // Takes seconds, so that it has not ended when the test aborts it.
    const task: ImageTask = { kind: 'sanitise', type: 'image/png', bytes: image.length, maxPixels: 40_000_000 }
    const options = { signal: ended.signal, onDecode }
    await expect(produce(task, Readable.from([image]), sink, options)).rejects.toThrow('gone')
    await expect(produce(shrink(bomb.length), Readable.from([bomb]), sink, { onDecode })).rejects.toMatchObject({
      reason: 'too_many_pixels',
    })
    expect(decoded).toEqual([{ pixels: 20_000_000, bytesBefore: 0 }])
  })

  it('a photo of 100 megapixels that the camera has turned is made smaller within 400 MB', async () => {
    const image = await sharp({ create: { width: 10_000, height: 10_000, channels: 3, background: '#4a8' } })
      .jpeg()
      .withMetadata({ orientation: 6 })
      .toBuffer()
    const task = { kind: 'sanitise', type: 'image/jpeg', bytes: image.length, maxPixels: 100_000_000 } as const
    let peakMegabytes = 0
    const sink = async (data: AsyncIterable<Uint8Array>) => {
      const status = readFileSync(`/proc/${await workerPid()}/status`, 'utf8')
      peakMegabytes = Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]) / 1_000
      await collect().sink(data)
    }
    const produced = await produce(task, Readable.from([image]), sink)
    expect(produced).toMatchObject({ width: 6_324, height: 6_324, notes: ['reduced'] })
    expect(peakMegabytes).toBeGreaterThan(50)
    expect(peakMegabytes).toBeLessThan(400)
  }, 60_000)

  it('a task rejects if its source or sink fails, and the next one succeeds', async () => {
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
    await expectTaskSucceeds()
  })
})
