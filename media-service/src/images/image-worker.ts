import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { Socket } from 'node:net'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { Problem } from '@clientele/platform/runtime/problem'
import type { ImageFault, ImageReport, ImageTask } from './image-task.ts'

/** Why an image was refused. */
export class ImageError extends Error {
  override name = 'ImageError'
  readonly fault: ImageFault

  constructor(fault: ImageFault) {
    super(fault)
    this.fault = fault
  }
}

/** An image that was made; sides in pixels, `sha256` in hexadecimal. */
export type ProducedImage = { bytes: number; width: number; height: number; sha256: string }

/**
 * Carries out a task, from one stream to another. `sink` is called once the image is known to be good.
 * @throws ImageError; the signal's reason; what `sink` throws
 */
export type ProduceImage = (
  task: ImageTask,
  source: Readable,
  sink: (data: AsyncIterable<Uint8Array>) => Promise<void>,
  signal?: AbortSignal,
) => Promise<ProducedImage>

type Worker = {
  child: ChildProcess
  input: Socket
  tasks: Socket
  output: AsyncIterator<Buffer>
  reports: AsyncIterator<string>
  /** The last it wrote on stderr. */
  complaint: () => string
}

const program = fileURLToPath(new URL('./image-process.ts', import.meta.url))
const deadlineMs = 40_000
const idleMs = 10_000
const crashes = ['SIGSEGV', 'SIGBUS', 'SIGILL', 'SIGFPE', 'SIGABRT', 'SIGTRAP']

const startWorker = (): Worker => {
  const child = spawn(process.execPath, ['--max-old-space-size=64', program], {
    stdio: ['pipe', 'pipe', 'pipe', 'pipe', 'pipe'],
    // No secret of this process reaches a decoder. One allocation arena: memory of large images comes back sooner.
    env: { MALLOC_ARENA_MAX: '1' },
    // Ctrl-C in a terminal is for this process, which lets requests end.
    detached: true,
  })
  const pipes = [...child.stdio].filter((stream) => stream instanceof Socket)
  const [input, output, complaints, reports, tasks] = pipes
  if (!input || !output || !complaints || !reports || !tasks) throw new Error('the image worker did not start')
  // It never keeps this process alive; that it ended is seen by its streams.
  child.unref()
  child.on('error', () => {})
  for (const stream of [input, output, complaints, reports, tasks]) stream.on('error', () => {}).unref()
  let complaint = ''
  complaints.on('data', (text) => {
    complaint = `${complaint}${text}`.slice(-2_000)
  })
  return {
    child,
    complaint: () => complaint,
    input,
    tasks,
    output: output[Symbol.asyncIterator](),
    reports: createInterface({ input: reports })[Symbol.asyncIterator](),
  }
}

const feed = async (input: Socket, source: Readable, signal: AbortSignal): Promise<void> => {
  for await (const chunk of source) if (!input.write(chunk)) await once(input, 'drain', { signal })
}

const reportOf = async ({ child, reports, complaint }: Worker): Promise<ImageReport> => {
  const { value, done } = await reports.next()
  if (!done) return JSON.parse(value) as ImageReport
  if (child.exitCode === null && child.signalCode === null && child.pid !== undefined) await once(child, 'exit')
  if (crashes.includes(child.signalCode ?? '')) throw new ImageError('undecodable')
  const cause = new Error(`the image worker ended with ${child.signalCode ?? child.exitCode}: ${complaint()}`)
  throw new Problem('unavailable', { detail: 'images cannot be worked on', headers: { 'Retry-After': '5' }, cause })
}

/**
 * Decoders take memory and now and then crash, hang or worse: they run in a process of their own, which is kept for a while and
 * replaced after anything unusual.
 */
export const createImageWorker = (): ProduceImage => {
  let spare: Worker | undefined
  let idle: NodeJS.Timeout | undefined

  const retire = () => {
    spare?.tasks.end()
    spare = undefined
  }
  const keep = (worker: Worker) => {
    retire()
    spare = worker
    idle = setTimeout(retire, idleMs).unref()
  }

  return async (task, source, sink, signal) => {
    clearTimeout(idle)
    const worker = spare ?? startWorker()
    spare = undefined
    const stop = () => void worker.child.kill('SIGKILL')
    let late = false
    const timer = setTimeout(() => {
      late = true
      stop()
    }, deadlineMs)
    signal?.addEventListener('abort', stop)
    const ended = new AbortController()
    try {
      const hash = createHash('sha256')
      worker.tasks.write(`${JSON.stringify(task)}\n`)
      feed(worker.input, source, ended.signal).catch(stop)
      const report = await reportOf(worker)
      const result = async function* () {
        for (let sent = 0; sent < report.bytes; ) {
          const { value, done } = await worker.output.next()
          if (done) throw new Error('the image worker ended early')
          sent += value.length
          hash.update(value)
          yield value
        }
      }
      if (!('fault' in report)) await sink(result())
      if (report.last) worker.tasks.end()
      else keep(worker)
      if ('fault' in report) throw new ImageError(report.fault)
      const { width, height, bytes } = report
      return { width, height, bytes, sha256: hash.digest('hex') }
    } catch (error) {
      if (!(error instanceof ImageError)) stop()
      if (signal?.aborted) throw signal.reason
      throw late ? new ImageError('too_complex') : error
    } finally {
      ended.abort()
      clearTimeout(timer)
      signal?.removeEventListener('abort', stop)
    }
  }
}
