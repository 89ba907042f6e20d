import { basename } from 'node:path'

type Coded = Error & { code?: unknown; constraint?: unknown; parent?: unknown; cause?: unknown }

const chain = (error: unknown): Coded[] => {
  const found: Coded[] = []
  for (let next: unknown = error; next instanceof Error && found.length < 5; ) {
    const coded: Coded = next
    found.push(coded)
    next = coded.parent ?? coded.cause
  }
  return found
}

const place = (stack: string | undefined): string => {
  const frame = stack?.split('\n').find((line) => /^\s+at /.test(line) && !/node_modules|node:/.test(line))
  const [, file, line] = /([^\s()]+\.(?:ts|js)):(\d+):\d+\)?$/.exec(frame ?? '') ?? []
  return file === undefined ? '' : ` at ${basename(file)}:${line}`
}

/** What went wrong, in a line that holds no message: messages may quote personal data. */
export const shortFault = (error: unknown): string => {
  if (!(error instanceof Error)) return 'a value that is no Error'
  const details = chain(error).flatMap(({ code, constraint }) => [code, constraint])
  const words = [error.name, ...new Set(details.filter((detail) => typeof detail === 'string'))]
  return `${words.join(' ')}${place(error.stack)}`.slice(0, 200)
}

const awayName = /^Sequelize(Connection|HostNotFound|AccessDenied)/
const awayCode = /^(08...|57P0.|ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENOTFOUND|EAI_AGAIN)$/
const awayMessage = /^(Connection terminated|Client has encountered a connection error|Client was closed)/

/** Whether the database could not be reached or broke off: nothing that the work itself could help. */
export const isDatabaseAway = (error: unknown): boolean =>
  chain(error).some(
    ({ name, code, message }) =>
      awayName.test(name) || (typeof code === 'string' && awayCode.test(code)) || awayMessage.test(message),
  )
