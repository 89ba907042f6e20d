import { basename } from 'node:path'

export type CodedError = Error & { code?: unknown; constraint?: unknown; parent?: unknown; cause?: unknown }

const maxDepth = 5

/** An error and those that it wraps: pg's stands in `parent` of Sequelize's. */
export const errorChain = (error: unknown): CodedError[] => {
  const found: CodedError[] = []
  for (let next: unknown = error; next instanceof Error && found.length < maxDepth; ) {
    const coded: CodedError = next
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
export const errorSummary = (error: unknown): string => {
  if (!(error instanceof Error)) return 'a value that is no Error'
  const details = errorChain(error).flatMap(({ code, constraint }) => [code, constraint])
  const words = [error.name, ...new Set(details.filter((detail) => typeof detail === 'string'))]
  return `${words.join(' ')}${place(error.stack)}`.slice(0, 200)
}
