import { parseArgs } from 'node:util'
import {
  type DeadLetter,
  dropDeadLetters,
  listDeadLetters,
  replayDeadLetters,
  type Selection,
} from './events/dead-letter-queues.ts'
import { ConfigError, httpUrl, loadConfig, serviceConfig } from './runtime/config.ts'

const help = `Looks after events that could not be handled.

  dead-letters list                shows them; they stay
  dead-letters replay              puts them back into their queue, as new; handled ones do no harm
  dead-letters drop --yes          removes them for good

  --queue NAME   only of this queue, such as customer-service.user-names (needed without RABBITMQ_MANAGEMENT_URL)
  --id EVENT     only the event with this id
  --limit N      at most so many of each queue, oldest first; 1 to 10000, default 100

Environment: RABBITMQ_URL; RABBITMQ_MANAGEMENT_URL (with user and password) to find all queues.`

class UsageError extends Error {
  override name = 'UsageError'
}

const parse = (args: string[]) => {
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      options: {
        queue: { type: 'string' },
        id: { type: 'string' },
        limit: { type: 'string', default: '100' },
        yes: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    })
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}

const selectionOf = ({
  queue,
  id,
  limit,
}: {
  queue?: string | undefined
  id?: string | undefined
  limit: string
}): Selection => {
  const most = Number(limit)
  if (!Number.isInteger(most) || most < 1 || most > 10_000) throw new UsageError('--limit must be from 1 to 10000')
  const { rabbitmqUrl, rabbitmqManagementUrl } = loadConfig({
    rabbitmqUrl: serviceConfig.rabbitmqUrl,
    rabbitmqManagementUrl: httpUrl.optional(),
  })
  if (queue === undefined && rabbitmqManagementUrl === undefined)
    throw new UsageError('give --queue, or set RABBITMQ_MANAGEMENT_URL')
  return {
    url: rabbitmqUrl,
    managementUrl: rabbitmqManagementUrl,
    queue: queue?.replace(/\.dead$/, ''),
    id,
    limit: most,
  }
}

const age = (since: Date | undefined): string => {
  if (!since) return '?'
  const minutes = Math.max(0, Math.floor((Date.now() - since.getTime()) / 60_000))
  if (minutes < 60) return `${minutes}m`
  return minutes < 48 * 60 ? `${Math.floor(minutes / 60)}h` : `${Math.floor(minutes / 60 / 24)}d`
}

// What others wrote must not steer the terminal.
const printable = (value: string): string => value.replace(/[\p{Cc}\p{Cf}]/gu, '?')

const table = (letters: DeadLetter[]): string => {
  const head = ['QUEUE', 'EVENT TYPE', 'ID', 'AGE', 'ATTEMPTS', 'WHY']
  const rows = letters.map(({ queue, type, id, since, attempts, reason, error }) =>
    [queue, type, id, age(since), String(attempts), `${reason}: ${error}`].map(printable),
  )
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)))
  return [head, ...rows]
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

const counted = (count: number, what: string): string => `${count} ${count === 1 ? 'event' : 'events'} ${what}`

/** Runs the command line. @returns what to print */
const run = async (args: string[]): Promise<string> => {
  const { values, positionals } = parse(args)
  const [command, ...rest] = positionals
  if (values.help) return help
  if (rest.length > 0 || command === undefined || !['list', 'replay', 'drop'].includes(command))
    throw new UsageError('list, replay or drop?')
  const selection = selectionOf(values)
  if (command === 'list') {
    const letters = await listDeadLetters(selection)
    return letters.length === 0 ? 'no dead letters' : table(letters)
  }
  if (command === 'replay') return counted(await replayDeadLetters(selection), 'put back')
  if (!values.yes) throw new UsageError('drop removes events for good: say --yes')
  return counted(await dropDeadLetters(selection), 'dropped')
}

if (import.meta.main) {
  try {
    console.log(await run(process.argv.slice(2)))
  } catch (error) {
    const { message } = error as Error
    console.error(error instanceof UsageError ? `${message}\n\n${help}` : message)
    process.exitCode = error instanceof UsageError || error instanceof ConfigError ? 2 : 1
  }
}
