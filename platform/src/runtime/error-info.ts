import { basename } from 'node:path'

/** An error with the properties that Node, pg and Sequelize add. */
export type CodedError = Error & { code?: unknown; constraint?: unknown; parent?: unknown; cause?: unknown }

const maxDepth = 5

/** Returns the error and the errors that it wraps, at most five. Sequelize keeps the error of pg in `parent`. */
export const errorChain = (error: unknown): CodedError[] => {
  const found: CodedError[] = []
  for (let next: unknown = error; next instanceof Error && found.length < maxDepth; ) {
    const coded: CodedError = next
    found.push(coded)
    next = coded.parent ?? coded.cause
  }
  return found
}

const locationOf = (stack: string | undefined): string => {
  const frame = stack?.split('\n').find((line) => /^\s+at /.test(line) && !/node_modules|node:/.test(line))
  const [, file, line] = /([^\s()]+\.(?:ts|js)):(\d+):\d+\)?$/.exec(frame ?? '') ?? []
  return file === undefined ? '' : ` at ${basename(file)}:${line}`
}

/**
 * Describes an error in one line of at most 200 characters: its name, codes and source position, such as
 * `SequelizeUniqueConstraintError 23505 customers_email_active at customer.writer.ts:78`.
 * The message is left out, since it may quote personal data.
 */
export const errorSummary = (error: unknown): string => {
  if (!(error instanceof Error)) return 'a value that is not an Error'
  const details = errorChain(error).flatMap(({ code, constraint }) => [code, constraint])
  const parts = [error.name, ...new Set(details.filter((detail) => typeof detail === 'string'))]
  return `${parts.join(' ')}${locationOf(error.stack)}`.slice(0, 200)
}
