import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import { limitBytes } from '../decoding/byte-streams.ts'
import { FileError } from '../row.ts'
import type { PackedInfo, UnpackOptions } from './packed-table.ts'

/** What the parent process sends to the program that unpacks an archive. */
export type UnpackTask = UnpackOptions & { path: string }
/** What the program answers: first what it found or an error, at the end `done` or an error. */
export type UnpackReport =
  | { info: PackedInfo }
  | { done: true }
  | { error: Pick<FileError, 'code' | 'message' | 'position'> }

/** The table of an archive, while it is unpacked. */
export type UnpackedFile = {
  info: PackedInfo
  bytes: AsyncGenerator<Buffer, void, void>
  discard(): Promise<void>
}

const program = fileURLToPath(new URL('./unpack.process.ts', import.meta.url))
const nodeFlags = ['--max-old-space-size=96', '--max-semi-space-size=4']
/** The size of an archive, which is in a temporary file. Workbooks and archives are compressed, so this is much. */
const maxArchiveBytes = 150_000_000
const timeoutMs = 120_000

const tooLarge = (maxBytes: number): FileError =>
  new FileError('too_large', `a workbook or an archive may have at most ${maxBytes} bytes`, { limit: maxBytes })

/** Runs one after the other, because each takes much memory and a core. */
const createQueue = () => {
  let last: Promise<void> = Promise.resolve()
  /** Waits for its turn. @returns the function that ends it */
  return async (): Promise<() => void> => {
    const before = last
    let end = (): void => {}
    last = new Promise((resolve) => {
      end = resolve
    })
    await before
    return end
  }
}
const takeTurn = createQueue()

/** The reports of a process, in their order. @throws FileError if it reports one, or ends without a report */
const createReportReader = (child: ChildProcess) => {
  const reports: UnpackReport[] = []
  let timedOut = false
  const ended = once(child, 'close').catch(() => {})
  child.on('message', (report: UnpackReport) => reports.push(report))
  // An error while nobody waits for a report shows as the end of the process.
  child.on('error', () => {})
  const timer = setTimeout(() => {
    timedOut = true
    child.kill('SIGKILL')
  }, timeoutMs)
  void ended.then(() => clearTimeout(timer))
  return async (): Promise<UnpackReport> => {
    if (reports.length === 0) await Promise.race([once(child, 'message'), ended])
    const report = reports.shift()
    if (report && 'error' in report) throw new FileError(report.error.code, report.error.message, report.error.position)
    if (report) return report
    throw timedOut
      ? new FileError('too_complex', 'the file takes too long to read; split it, or save it as CSV')
      : new FileError('bad_archive', 'the file cannot be read; save it again, or send it as CSV')
  }
}

const endProcess = async (child: ChildProcess | undefined): Promise<void> => {
  if (!child?.pid || child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGKILL')
  await ended
}

/**
 * Unpacks a ZIP archive, which may be a workbook, in a process of its own: parsing takes long, and the memory and the time that a
 * hostile file takes are bounded there. The archive is in a temporary file meanwhile, because its list of members is at its end.
 * @returns what it is, and its table. Call `discard` if `bytes` is not read
 * @throws FileError, also while `bytes` is read
 */
export const unpackFile = async (
  source: AsyncIterable<Uint8Array>,
  { sheet, maxBytes }: { sheet: string | undefined; maxBytes: number },
): Promise<UnpackedFile> => {
  const folder = await mkdtemp(join(tmpdir(), 'clientele-unpack-'))
  let endTurn: (() => void) | undefined
  let child: ChildProcess | undefined
  const discard = async (): Promise<void> => {
    await endProcess(child)
    endTurn?.()
    await rm(folder, { recursive: true, force: true })
  }
  try {
    const path = join(folder, 'archive')
    await pipeline(
      limitBytes(source, Math.min(maxBytes, maxArchiveBytes), tooLarge),
      createWriteStream(path, { flags: 'wx', mode: 0o600 }),
    )
    endTurn = await takeTurn()
    const { PATH, TMPDIR } = process.env
    const started = fork(program, [], {
      execArgv: nodeFlags,
      env: { ...(PATH && { PATH }), ...(TMPDIR && { TMPDIR }) },
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
      detached: true,
    })
    child = started
    const nextReport = createReportReader(started)
    const task: UnpackTask = { path, sheet, folder, maxBytes }
    started.send(task, () => {})
    const report = await nextReport()
    const readBytes = async function* (): AsyncGenerator<Buffer, void, void> {
      try {
        yield* started.stdout as AsyncIterable<Buffer>
        await nextReport()
      } finally {
        await discard()
      }
    }
    return { info: 'info' in report ? report.info : {}, bytes: readBytes(), discard }
  } catch (error) {
    await discard()
    throw error
  }
}
