import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { Socket } from 'node:net'
import { constants } from 'node:os'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import type { MediaNote } from '@clientele/contracts/media'
import { Problem } from '@clientele/platform/runtime/problem'
import type { HeaderReport, ImageReport, ImageTask, RejectReason } from './image-task.ts'
import type { Sandbox } from './sandbox.ts'

/** The image is rejected: it cannot be decoded, or is too large or too complex. */
export class ImageRejected extends Error {
  override name = 'ImageRejected'
  readonly reason: RejectReason

  constructor(reason: RejectReason) {
    super(reason)
    this.reason = reason
  }
}

/** What is known of a new image before its data; sides in pixels. `notes`: what its uploader should know. */
export type ImageHeader = { bytes: number; width: number; height: number; notes: MediaNote[] }

/** A new image; `sha256` in hexadecimal. */
export type ProducedImage = ImageHeader & { sha256: string }

/** `onDecode` is called with the number of pixels before an image is decoded. */
type ProduceOptions = { signal?: AbortSignal; onDecode?: (pixels: number) => void }

/**
 * Carries out a task: reads an image from `source` and gives the new one to `sink`, once the image is known to be good.
 * @throws ImageRejected; Problem 503 if the process or the decoder fails; the reason of `signal`; what `sink` throws
 */
export type ProduceImage = (
  task: ImageTask,
  source: Readable,
  sink: (data: AsyncIterable<Uint8Array>, header: ImageHeader) => Promise<void>,
  options?: ProduceOptions,
) => Promise<ProducedImage>

/** A worker process and its pipes. */
type Worker = {
  child: ChildProcess
  input: Socket
  tasks: Socket
  output: AsyncIterator<Buffer>
  reports: AsyncIterator<string>
  /** The last characters that it wrote to stderr. */
  stderrTail: () => string
}

const program = fileURLToPath(new URL('./image-process.ts', import.meta.url))
const timeoutMs = 40_000
const idleMs = 10_000
const maxStderrChars = 2_000
const crashSignals = ['SIGSEGV', 'SIGBUS', 'SIGILL', 'SIGFPE', 'SIGABRT', 'SIGTRAP'] as const
const signalExitCode = 128

const hasCrashed = ({ signalCode, exitCode }: ChildProcess): boolean =>
  // The sandbox exits like a shell if the process in it was ended by a signal.
  crashSignals.some((name) => signalCode === name || exitCode === signalExitCode + constants.signals[name])

const startWorker = (sandbox: Sandbox): Worker => {
  const [command = '', ...args] = sandbox([process.execPath, '--max-old-space-size=64', program])
  const child = spawn(command, args, {
    stdio: ['pipe', 'pipe', 'pipe', 'pipe', 'pipe'],
    // The decoder gets no secret of this process. With one allocation arena, memory of large images is given back sooner.
    env: { MALLOC_ARENA_MAX: '1', PATH: process.env['PATH'] },
    // Ctrl-C in a terminal must reach only this process, which lets requests end.
    detached: true,
  })
  const pipes = [...child.stdio].filter((stream) => stream instanceof Socket)
  const [input, output, stderr, reports, tasks] = pipes
  if (!input || !output || !stderr || !reports || !tasks) throw new Error('the image worker did not start')
  // The worker must not keep this process alive. Its end shows as the end of its streams, so their errors are ignored.
  child.unref()
  child.on('error', () => {})
  for (const stream of [input, output, stderr, reports, tasks]) stream.on('error', () => {}).unref()
  let stderrTail = ''
  stderr.on('data', (text) => {
    stderrTail = `${stderrTail}${text}`.slice(-maxStderrChars)
  })
  return {
    child,
    stderrTail: () => stderrTail,
    input,
    tasks,
    output: output[Symbol.asyncIterator](),
    reports: createInterface({ input: reports })[Symbol.asyncIterator](),
  }
}

const writeInput = async (input: Socket, source: Readable, signal: AbortSignal): Promise<void> => {
  for await (const chunk of source) if (!input.write(chunk)) await once(input, 'drain', { signal })
}

/** A Problem (503) for a task that failed for no fault of its image. */
export const decodingFailed = (cause: unknown): Problem =>
  new Problem('unavailable', {
    detail: 'images cannot be processed at the moment',
    headers: { 'Retry-After': '5' },
    cause,
  })

const readLine = async ({ child, reports, stderrTail }: Worker): Promise<HeaderReport | ImageReport> => {
  const { value, done } = await reports.next()
  if (!done) return JSON.parse(value) as HeaderReport | ImageReport
  if (child.exitCode === null && child.signalCode === null && child.pid !== undefined) await once(child, 'exit')
  if (hasCrashed(child)) throw new ImageRejected('undecodable')
  throw decodingFailed(new Error(`the image worker ended with ${child.signalCode ?? child.exitCode}: ${stderrTail()}`))
}

const readReport = async (worker: Worker, onDecode: ProduceOptions['onDecode']): Promise<ImageReport> => {
  const report = await readLine(worker)
  if (!('pixels' in report)) return report
  onDecode?.(report.pixels)
  return readReport(worker, onDecode)
}

const headerOf = ({ width, height, bytes, notes }: ImageHeader): ImageHeader => ({ width, height, bytes, notes })

/**
 * Decodes images in a worker process in a sandbox, because decoders take much memory and may crash, hang or be exploited. The
 * worker process is in one of three states:
 *
 * - **none**: the next task starts a process.
 * - **working**: it does one task. A second task at the same time starts a process of its own; the image queue avoids that.
 *   It becomes idle after a successful or rejected task, and exits instead if its memory has grown too much (`exits`). It is
 *   killed on anything unexpected: no report after 40 s (`too_complex`), an abort, an error of the source or the sink. A
 *   process that crashes while it decodes means `undecodable`; any other end means 503.
 * - **idle**: it waits for the next task for 10 s, then its task pipe is closed and it exits.
 */
export const createImageWorker = (sandbox: Sandbox): ProduceImage => {
  let idleWorker: Worker | undefined
  let idleTimer: NodeJS.Timeout | undefined

  const endIdleWorker = () => {
    idleWorker?.tasks.end()
    idleWorker = undefined
  }
  const keepIdle = (worker: Worker) => {
    endIdleWorker()
    idleWorker = worker
    idleTimer = setTimeout(endIdleWorker, idleMs).unref()
  }

  return async (task, source, sink, { signal, onDecode } = {}) => {
    clearTimeout(idleTimer)
    const worker = idleWorker ?? startWorker(sandbox)
    idleWorker = undefined
    const kill = () => void worker.child.kill('SIGKILL')
    let timedOut = false
    const timer = setTimeout(() => {
      timedOut = true
      kill()
    }, timeoutMs)
    signal?.addEventListener('abort', kill)
    const finished = new AbortController()
    try {
      const hash = createHash('sha256')
      worker.tasks.write(`${JSON.stringify(task)}\n`)
      writeInput(worker.input, source, finished.signal).catch(kill)
      const report = await readReport(worker, onDecode)
      const result = async function* () {
        for (let sent = 0; sent < report.bytes; ) {
          const { value, done } = await worker.output.next()
          if (done) throw new Error('the image worker ended early')
          sent += value.length
          hash.update(value)
          yield value
        }
      }
      if (!('reason' in report)) await sink(result(), headerOf(report))
      if (report.exits) worker.tasks.end()
      else keepIdle(worker)
      if ('reason' in report) throw new ImageRejected(report.reason)
      return { ...headerOf(report), sha256: hash.digest('hex') }
    } catch (error) {
      if (!(error instanceof ImageRejected)) kill()
      if (signal?.aborted) throw signal.reason
      throw timedOut ? new ImageRejected('too_complex') : error
    } finally {
      finished.abort()
      clearTimeout(timer)
      signal?.removeEventListener('abort', kill)
    }
  }
}
