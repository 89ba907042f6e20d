import { resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Clientele, ClienteleError, type Import, type Query } from '@clientele/client'
import { describeImportError, importClient, sendImport } from './clients/import-client.ts'
import { describeFile, describeResult, describeRows, describeUndo, printable, sums } from './clients/import-display.ts'
import { parseArguments } from './processes/arguments.ts'
import { confirm } from './processes/confirm.ts'
import { portsFrom } from './profile/ports.ts'

const usage = `usage: npm run import -- <file> [options]
       npm run import -- --undo <id>
Imports customers from CSV, JSON, NDJSON, XLSX or vCards, plain, gzip or in a ZIP archive. Shows a dry run, asks, and then
imports.

  --yes                imports without asking
  --match-by FIELD     finds existing customers by email (default), externalId, phone, code or id
  --on-match ACTION    what to do with them: update (default), skip or fail
  --mapping JSON       which column goes into which field, such as {"Mail": "email"}; suggested by default
  --delimiter C, --encoding NAME, --format csv|json|ndjson|xlsx   detected by default
  --sheet NAME         the sheet of a workbook, by its name or its number; by default the first
  --header yes|no      whether the first row of a CSV file or a sheet names the columns; detected by default
  --skip N             the number of rows above the table, such as a report's title; detected by default
  --country CC         the country of telephone numbers without a country code, such as DE
  --decimal MARK       point (default) or comma, in numbers
  --preset NAME        the program that exported the file, such as shopify, or none; recognised by default
  --tags MODE          replace (default) the tags of existing customers, or add to them
  --again              imports the same content a second time
  --undo ID            undoes an import; the import prints its id

Environment: CLIENTELE_PUBLIC_URL is the gateway's address. CLIENTELE_TOKEN is an access token; or set
CLIENTELE_USERNAME and CLIENTELE_PASSWORD. The demo user is the default.
Exit code: 0 if all rows were imported or undone, 3 if some failed or were kept, 1 if the import failed, 2 for wrong arguments.`

const options = {
  yes: { type: 'boolean' },
  again: { type: 'boolean' },
  'match-by': { type: 'string' },
  'on-match': { type: 'string' },
  mapping: { type: 'string' },
  delimiter: { type: 'string' },
  encoding: { type: 'string' },
  format: { type: 'string' },
  header: { type: 'string' },
  skip: { type: 'string' },
  country: { type: 'string' },
  decimal: { type: 'string' },
  tags: { type: 'string' },
  sheet: { type: 'string' },
  preset: { type: 'string' },
  undo: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const

const print = (lines: readonly string[]): void => {
  for (const line of lines) console.log(printable(line))
}

const { values, positionals } = parseArguments({ options, allowPositionals: true }, usage, 2)
const [file, ...rest] = positionals
if (values.help || (file === undefined) !== (values.undo !== undefined) || rest.length > 0) {
  console.log(usage)
  process.exit(values.help ? 0 : 2)
}
const { env } = process
// npm runs scripts in the project's folder.
const { INIT_CWD: folder = '.' } = env
const gateway = (env.CLIENTELE_PUBLIC_URL ?? `http://localhost:${portsFrom(env).GATEWAY_PORT}`).replace(/\/+$/, '')
const credentials = {
  token: env.CLIENTELE_TOKEN,
  username: env.CLIENTELE_USERNAME,
  password: env.CLIENTELE_PASSWORD,
}

/** Shows the progress of an import until its job has ended. */
const follow = async ({ imports }: Clientele, id: string, activity: string): Promise<Import> => {
  for (;;) {
    const current = await imports.get(id)
    const hasEnded = ['checked', 'finished', 'failed', 'cancelled', 'undone'].includes(current.status)
    if (process.stdout.isTTY)
      process.stdout.write(`\r${activity} ${Math.round((current.progress ?? 0) * 100)} % ${hasEnded ? '\n' : ''}`)
    if (hasEnded) return current
    await sleep(500)
  }
}

/** @throws Error if the job failed or was cancelled */
const requireSuccess = (imported: Import): Import => {
  if (['checked', 'finished', 'undone'].includes(imported.status)) return imported
  throw new Error(
    imported.status === 'cancelled'
      ? 'the import was cancelled'
      : `the import failed: ${imported.error?.message ?? imported.status}`,
  )
}

/** Prints a link to the file of failed or kept rows. */
const printErrorsLink = async ({ jobs }: Clientele, jobId: string, rows: string): Promise<void> => {
  const { url } = await jobs.createErrorsLink(jobId)
  console.log(`${rows}: ${new URL(url, gateway).href} (works for five minutes)`)
}

const undoImport = async (clientele: Clientele, id: string): Promise<number> => {
  await clientele.imports.undo(id)
  const { jobId } = requireSuccess(await follow(clientele, id, 'undoing'))
  const { counts, errorsUrl } = await clientele.jobs.get(jobId)
  console.log(describeUndo(counts))
  if (errorsUrl !== null) await printErrorsLink(clientele, jobId, 'kept records, with the reasons')
  return errorsUrl === null ? 0 : 3
}

const parseHeader = (text: string): boolean => {
  if (text === 'yes' || text === 'no') return text === 'yes'
  throw new Error('--header must be yes or no')
}

const importFile = async (clientele: Clientele, path: string): Promise<number> => {
  const { mapping, delimiter, encoding, format, sheet, skip, country, decimal, tags, preset } = values
  // The API checks the values.
  const importOptions = {
    ...{ mapping, delimiter, encoding, format, sheet, skip, country, decimal, tags, preset },
    matchBy: values['match-by'],
    onMatch: values['on-match'],
    header: values.header && parseHeader(values.header),
  } as Query<'POST /v1/imports'>
  const sent = await sendImport(clientele, resolve(folder, path), importOptions)
  print(describeFile(path, sent))
  const checked = requireSuccess(await follow(clientele, sent.id, 'checking'))
  print(describeRows(await clientele.imports.preview(sent.id)))
  print(describeResult(checked))
  if (checked.previousImportId !== null && !values.again)
    throw new Error('the same content was imported before; add --again to import it once more')
  if (!values.yes && !(await confirm('Import these rows?'))) {
    console.log('nothing was imported; add --yes to import without being asked')
    return 0
  }
  await clientele.imports.commit(sent.id, { again: values.again ?? false })
  const done = requireSuccess(await follow(clientele, sent.id, 'importing'))
  console.log(`imported ${sums(done)}`)
  if (done.errorsUrl !== null) await printErrorsLink(clientele, done.jobId, 'failed rows')
  console.log(`undo it with: npm run import -- --undo ${sent.id}`)
  return done.counts.failed > 0 ? 3 : 0
}

try {
  const clientele = await importClient(gateway, credentials)
  process.exit(file === undefined ? await undoImport(clientele, values.undo ?? '') : await importFile(clientele, file))
} catch (error) {
  const unreachable = error instanceof ClienteleError && error.code === 'network_error'
  console.error(
    unreachable
      ? `${gateway} does not respond: run \`npm start\` first, or set CLIENTELE_PUBLIC_URL`
      : describeImportError(error).split('\n').map(printable).join('\n'),
  )
  process.exit(1)
}
