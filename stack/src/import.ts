import { resolve } from 'node:path'
import { createInterface } from 'node:readline/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { type Imported, importClient } from './clients/import-client.ts'
import { portsFrom } from './profile/ports.ts'

const usage = `usage: npm run import -- <file> [options]
Imports customers from CSV, JSON or NDJSON, plain or gzip. First it tells what would become of them, then it asks.

  --yes                does not ask
  --match-by FIELD     email (default), externalId, phone, code or id: who is there already
  --on-match WAY       update (default), skip or fail
  --mapping JSON       which column goes into which field: {"Mail": "email"}; suggested otherwise
  --delimiter C, --encoding NAME, --format csv|json|ndjson   found out otherwise
  --again              although the same content was imported before

Environment: CLIENTELE_PUBLIC_URL, the gateway's address; CLIENTELE_TOKEN, an access token, or CLIENTELE_USERNAME and
CLIENTELE_PASSWORD; the demo user otherwise. Ends with 0, or with 3 where some rows were not taken, or with 1.`

const options = {
  yes: { type: 'boolean' },
  again: { type: 'boolean' },
  'match-by': { type: 'string' },
  'on-match': { type: 'string' },
  mapping: { type: 'string' },
  delimiter: { type: 'string' },
  encoding: { type: 'string' },
  format: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const

const parse = () => {
  try {
    return parseArgs({ options, allowPositionals: true })
  } catch (error) {
    console.error(`${(error as Error).message}\n${usage}`)
    return process.exit(2)
  }
}

// What stands in a file must not steer the terminal.
const plain = (text: string): string => text.replace(/[\p{Cc}\p{Cf}]/gu, '?')
const sums = ({ counts }: Imported): string =>
  `${counts.read} rows: ${counts.created} new, ${counts.updated} changed, ${counts.skipped} skipped, ${counts.failed} not taken`

const show = (made: Imported, mostErrors: number): void => {
  console.log(sums(made))
  for (const { row, pointer, message } of made.errors.slice(0, mostErrors))
    console.log(plain(`  row ${row}${pointer === '' ? '' : `, ${pointer.slice(1)}`}: ${message}`))
  if (made.counts.failed > mostErrors) console.log('  …')
}

const { values, positionals } = parse()
const [file, ...rest] = positionals
if (values.help || file === undefined || rest.length > 0) {
  console.log(usage)
  process.exit(values.help ? 0 : 2)
}
const { env } = process
// npm runs scripts in the project's folder.
const { INIT_CWD: folder = '.' } = env
const gateway = (env.CLIENTELE_PUBLIC_URL ?? `http://localhost:${portsFrom(env).GATEWAY_PORT}`).replace(/\/+$/, '')
const client = importClient(gateway, {
  token: env.CLIENTELE_TOKEN,
  username: env.CLIENTELE_USERNAME,
  password: env.CLIENTELE_PASSWORD,
})

/** Follows an import until it rests. */
const follow = async (id: string, doing: string): Promise<Imported> => {
  for (;;) {
    const made = await client.get(id)
    const rests = ['checked', 'finished', 'failed', 'cancelled'].includes(made.status)
    if (process.stdout.isTTY)
      process.stdout.write(`\r${doing} ${Math.round((made.progress ?? 0) * 100)} % ${rests ? '\n' : ''}`)
    if (rests) return made
    await pause(500)
  }
}

const agreed = async (): Promise<boolean> => {
  if (values.yes) return true
  if (!process.stdin.isTTY) return false
  const asking = createInterface({ input: process.stdin, output: process.stdout })
  const answer = await asking.question('Import them? [y/N] ')
  asking.close()
  return /^y(es)?$/i.test(answer.trim())
}

const ended = (made: Imported): Imported => {
  if (made.status === 'checked' || made.status === 'finished') return made
  throw new Error(`the import ${made.status}: ${made.error?.message ?? 'it was cancelled'}`)
}

try {
  const { mapping, delimiter, encoding, format } = values
  const choices = { matchBy: values['match-by'], onMatch: values['on-match'], mapping, delimiter, encoding, format }
  const sent = await client.send(resolve(folder, file), choices)
  console.log(plain(`${file}: ${sent.format}, ${sent.encoding}`))
  for (const [column, field] of Object.entries(sent.mapping)) console.log(plain(`  ${column} → ${field}`))
  if (sent.unmapped.length > 0) console.log(plain(`  left out: ${sent.unmapped.join(', ')}`))
  const checked = ended(await follow(sent.id, 'checking'))
  show(checked, 10)
  if (checked.previousImportId !== null && !values.again)
    throw new Error('the same content was imported before: say --again to import it once more')
  if (!(await agreed())) {
    console.log('nothing was imported; say --yes to import without being asked')
    process.exit(values.yes ? 1 : 0)
  }
  await client.commit(sent.id, values.again ?? false)
  const done = ended(await follow(sent.id, 'importing'))
  console.log(`imported ${sums(done)}`)
  if (done.errorsUrl !== null)
    console.log(`what was not taken: ${done.errorsUrl.startsWith('/') ? gateway : ''}${done.errorsUrl}`)
  process.exit(done.counts.failed > 0 ? 3 : 0)
} catch (error) {
  const unreachable = error instanceof TypeError && /fetch failed/.test(error.message)
  console.error(
    unreachable
      ? `${gateway} does not answer: run \`npm start\` first, or set CLIENTELE_PUBLIC_URL`
      : plain((error as Error).message),
  )
  process.exit(1)
}
