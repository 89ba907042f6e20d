import { type Logger, pino } from 'pino'
import { currentContext } from './context.ts'

/**
 * A JSON logger (pino). Never log personal data or tokens. As a second line of defence, fields with the names in
 * `redactedFields` are removed.
 */
export type Log = Logger

const redactedFields = [
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
let flushScheduled = false

const openStdout = () => {
  const destination = pino.destination({ dest: 1, sync: true, minLength: 8_192 })
  process.once('exit', () => destination.flushSync())
  return destination
}
// `flushSync` would wait for the disk each time.
const flush = (): void => {
  flushScheduled = false
  stdout?.flush()
}
const flushDelayMs = 10
/** Collects lines for some milliseconds and writes them together: under load, a system call for each line is expensive. */
const bufferedStdout = {
  write: (line: string): void => {
    stdout ??= openStdout()
    stdout.write(line)
    if (flushScheduled) return
    flushScheduled = true
    setTimeout(flush, flushDelayMs)
  },
  flushSync: () => stdout?.flushSync(),
}

// The text of the last timestamp: under load, many lines have the same millisecond.
let timestampMs = 0
let timestampText = ''
const timestamp = (): string => {
  const now = Date.now()
  if (now !== timestampMs) {
    timestampMs = now
    timestampText = `,"time":"${new Date(now).toISOString()}"`
  }
  return timestampText
}

/** Creates the logger of the process. It writes one JSON object per line to stdout. */
export const createLog = ({ name, level = 'info' }: { name: string; level?: string }): Log =>
  pino(
    {
      name,
      level,
      base: { service: name },
      timestamp,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: redactedFields.flatMap((field) => [field, `*.${field}`, `*.*.${field}`]), remove: true },
      serializers: { err: serializeError },
    },
    bufferedStdout,
  )

/**
 * Serializes an error for the log: name, message, codes, stack and causes. It leaves out other properties, because database
 * drivers attach rows and parameters there.
 */
export const serializeError = (error: unknown): Record<string, unknown> => {
  if (!(error instanceof Error)) return { message: 'a value that is not an Error was thrown' }
  const { parent = {}, cause, status } = error as Error & { parent?: object; status?: unknown }
  // Errors of Sequelize wrap those of pg.
  const { code, constraint } = { ...error, ...parent } as Record<string, unknown>
  return {
    type: error.name,
    message: error.message,
    ...(typeof code === 'string' && { code }),
    ...(typeof constraint === 'string' && { constraint }),
    ...(typeof status === 'number' && { status }),
    stack: error.stack,
    ...(cause !== undefined && { cause: serializeError(cause) }),
  }
}

const defaultLog = createLog({ name: 'clientele' })

/** Returns the logger of the current request or message, which adds its ids. Outside of both, it returns a default logger. */
export const currentLog = (): Log => currentContext()?.log ?? defaultLog
