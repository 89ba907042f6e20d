import { parseArgs } from 'node:util'
import {
  type DeadLetter,
  type DeadLetterSelection,
  dropDeadLetters,
  listDeadLetters,
  replayDeadLetters,
} from './events/dead-letter-queues.ts'
import { ConfigError, httpUrl, loadConfig, serviceConfig } from './runtime/config.ts'

const help = `Lists, replays or drops dead letters: events that no handler could handle.

  dead-letters list                list dead letters and leave them in their queues
  dead-letters replay              publish dead letters to their queues again, with the attempts reset; duplicates are ignored
  dead-letters drop --yes          remove dead letters for good

  --queue NAME   only this queue, such as customer-service.user-names (required without RABBITMQ_MANAGEMENT_URL)
  --id EVENT     only the event with this id
  --any-sender   also replay events that were refused because their sender may not publish them
  --limit N      at most N events per queue, oldest first; 1 to 10000, default 100

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
        'any-sender': { type: 'boolean', default: false },
        yes: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    })
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}

const parseSelection = ({
  queue,
  id,
  limit,
  'any-sender': anySender,
}: {
  queue?: string | undefined
  id?: string | undefined
  limit: string
  'any-sender': boolean
}): DeadLetterSelection => {
  const max = Number(limit)
  if (!Number.isInteger(max) || max < 1 || max > 10_000) throw new UsageError('--limit must be from 1 to 10000')
  const { rabbitmqUrl, rabbitmqManagementUrl } = loadConfig({
    rabbitmqUrl: serviceConfig.rabbitmqUrl,
    rabbitmqManagementUrl: httpUrl.optional(),
  })
  if (queue === undefined && rabbitmqManagementUrl === undefined)
    throw new UsageError('--queue or RABBITMQ_MANAGEMENT_URL is required')
  return {
    url: rabbitmqUrl,
    managementUrl: rabbitmqManagementUrl,
    queue: queue?.replace(/\.dead$/, ''),
    id,
    limit: max,
    anySender,
  }
}

const formatAge = (since: Date | undefined): string => {
  if (!since) return '?'
  const minutes = Math.max(0, Math.floor((Date.now() - since.getTime()) / 60_000))
  if (minutes < 60) return `${minutes}m`
  return minutes < 48 * 60 ? `${Math.floor(minutes / 60)}h` : `${Math.floor(minutes / 60 / 24)}d`
}

// Control characters in a message must not reach the terminal.
const printable = (value: string): string => value.replace(/[\p{Cc}\p{Cf}]/gu, '?')

const formatTable = (letters: DeadLetter[]): string => {
  const head = ['QUEUE', 'EVENT TYPE', 'ID', 'AGE', 'ATTEMPTS', 'REASON']
  const rows = letters.map(({ queue, type, id, since, attempts, reason, error }) =>
    [queue, type, id, formatAge(since), String(attempts), `${reason}: ${error}`].map(printable),
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

const formatCount = (count: number, result: string): string => `${count} ${count === 1 ? 'event' : 'events'} ${result}`

/** Runs a command. @returns the text to print */
const runCommand = async (args: string[]): Promise<string> => {
  const { values, positionals } = parse(args)
  const [command, ...rest] = positionals
  if (values.help) return help
  if (rest.length > 0 || command === undefined || !['list', 'replay', 'drop'].includes(command))
    throw new UsageError('command required: list, replay or drop')
  const selection = parseSelection(values)
  if (command === 'list') {
    const letters = await listDeadLetters(selection)
    return letters.length === 0 ? 'no dead letters' : formatTable(letters)
  }
  if (command === 'replay') {
    const { replayed, refused } = await replayDeadLetters(selection)
    const left = refused > 0 ? `; ${formatCount(refused, 'of a foreign sender left')}, drop them` : ''
    return `${formatCount(replayed, 'replayed')}${left}`
  }
  if (!values.yes) throw new UsageError('drop removes events for good; confirm with --yes')
  return formatCount(await dropDeadLetters(selection), 'dropped')
}

if (import.meta.main) {
  try {
    console.log(await runCommand(process.argv.slice(2)))
  } catch (error) {
    const { message } = error as Error
    console.error(error instanceof UsageError ? `${message}\n\n${help}` : message)
    process.exitCode = error instanceof UsageError || error instanceof ConfigError ? 2 : 1
  }
}
