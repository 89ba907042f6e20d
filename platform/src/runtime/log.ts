import { type Logger, pino } from 'pino'
import { currentContext } from './context.ts'

/** A JSON logger (pino). Never give it personal data or tokens; the usual names of such fields are removed as a net. */
export type Log = Logger

const secretFields = [
  'authorization',
  'cookie',
  'password',
  'token',
  'accessToken',
  'refreshToken',
  'secret',
  'email',
  'phone',
  'apiKey',
]

let stdout: ReturnType<typeof pino.destination> | undefined
let waiting = false

const openStdout = () => {
  const destination = pino.destination({ dest: 1, sync: true, minLength: 8_192 })
  process.once('exit', () => destination.flushSync())
  return destination
}
// Not flushSync, which waits for the disk each time.
const writeOut = (): void => {
  waiting = false
  stdout?.flush()
}
const lingerMs = 10
/** Lines are written together: under load a call of the system for each would be dear. */
const lines = {
  write: (line: string): void => {
    stdout ??= openStdout()
    stdout.write(line)
    if (waiting) return
    waiting = true
    setTimeout(writeOut, lingerMs)
  },
  flushSync: () => stdout?.flushSync(),
}

let stampedAt = 0
let stamp = ''
const timestamp = (): string => {
  const now = Date.now()
  if (now !== stampedAt) {
    stampedAt = now
    stamp = `,"time":"${new Date(now).toISOString()}"`
  }
  return stamp
}

/** The process's logger: one JSON object a line on stdout. */
export const createLog = ({ name, level = 'info' }: { name: string; level?: string }): Log =>
  pino(
    {
      name,
      level,
      base: { service: name },
      timestamp,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: secretFields.flatMap((field) => [field, `*.${field}`, `*.*.${field}`]), remove: true },
      serializers: { err: describeError },
    },
    lines,
  )

/**
 * An error as it may be logged: names, messages and stack of it and its causes, without the values that database drivers
 * attach (they hold rows and parameters).
 */
export const describeError = (error: unknown): Record<string, unknown> => {
  if (!(error instanceof Error)) return { message: 'a value that is no Error was thrown' }
  const { parent = {}, cause, status } = error as Error & { parent?: object; status?: unknown }
  // Sequelize's errors wrap those of pg.
  const { code, constraint } = { ...error, ...parent } as Record<string, unknown>
  return {
    type: error.name,
    message: error.message,
    ...(typeof code === 'string' && { code }),
    ...(typeof constraint === 'string' && { constraint }),
    ...(typeof status === 'number' && { status }),
    stack: error.stack,
    ...(cause !== undefined && { cause: describeError(cause) }),
  }
}

const fallback = createLog({ name: 'clientele' })

/** The logger of the current request or message (with its ids), else a plain one. */
export const currentLog = (): Log => currentContext()?.log ?? fallback
