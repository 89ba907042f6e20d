import { resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Clientele, ClienteleError, type Import, type Query } from '@clientele/client'
import { describeImportError, importClient, sendImport } from './clients/import-client.ts'
import { parseArguments } from './processes/arguments.ts'
import { confirm } from './processes/confirm.ts'
import { portsFrom } from './profile/ports.ts'

const usage = `usage: npm run import -- <file> [options]
       npm run import -- --undo <id>
Imports customers from CSV, JSON, NDJSON or vCards, plain or gzip. Shows a dry run, asks, and then imports.

  --yes                imports without asking
  --match-by FIELD     finds existing customers by email (default), externalId, phone, code or id
  --on-match ACTION    what to do with them: update (default), skip or fail
  --mapping JSON       which column goes into which field, such as {"Mail": "email"}; suggested by default
  --delimiter C, --encoding NAME, --format csv|json|ndjson   detected by default
  --again              imports the same content a second time
  --undo ID            undoes an import; the import prints its id

Environment: CLIENTELE_PUBLIC_URL is the gateway's address. CLIENTELE_TOKEN is an access token; or set
CLIENTELE_USERNAME and CLIENTELE_PASSWORD. The demo user is the default.
Exit code: 0 if all rows were imported, 3 if some failed, 1 if the import failed, 2 for wrong arguments.`

const options = {
  yes: { type: 'boolean' },
  again: { type: 'boolean' },
  'match-by': { type: 'string' },
  'on-match': { type: 'string' },
  mapping: { type: 'string' },
  delimiter: { type: 'string' },
  encoding: { type: 'string' },
  format: { type: 'string' },
  undo: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const

// Text from a file must not contain control characters for the terminal.
const printable = (text: string): string => text.replace(/[\p{Cc}\p{Cf}]/gu, '?')
const sums = ({ counts }: Import): string =>
  `${counts.read} rows: ${counts.created} new, ${counts.updated} changed, ${counts.skipped} skipped, ${counts.failed} failed`

const show = (imported: Import, maxErrors: number): void => {
  console.log(sums(imported))
  for (const { row, pointer, message } of imported.errors.slice(0, maxErrors))
    console.log(printable(`  row ${row}${pointer === '' ? '' : `, ${pointer.slice(1)}`}: ${message}`))
  if (imported.counts.failed > maxErrors) console.log('  …')
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

const undoImport = async (clientele: Clientele, id: string): Promise<void> => {
  await clientele.imports.undo(id)
  requireSuccess(await follow(clientele, id, 'undoing'))
  console.log('the import was undone')
}

const importFile = async (clientele: Clientele, path: string): Promise<number> => {
  const { mapping, delimiter, encoding, format } = values
  // The API checks the values.
  const importOptions = {
    matchBy: values['match-by'],
    onMatch: values['on-match'],
    mapping,
    delimiter,
    encoding,
    format,
  } as Query<'POST /v1/imports'>
  const sent = await sendImport(clientele, resolve(folder, path), importOptions)
  console.log(printable(`${path}: ${sent.format}, ${sent.encoding}`))
  for (const [column, field] of Object.entries(sent.mapping)) console.log(printable(`  ${column} → ${field}`))
  if (sent.unmapped.length > 0) console.log(printable(`  not imported: ${sent.unmapped.join(', ')}`))
  const checked = requireSuccess(await follow(clientele, sent.id, 'checking'))
  show(checked, 10)
  if (checked.previousImportId !== null && !values.again)
    throw new Error('the same content was imported before; add --again to import it once more')
  if (!values.yes && !(await confirm('Import these rows?'))) {
    console.log('nothing was imported; add --yes to import without being asked')
    return 0
  }
  await clientele.imports.commit(sent.id, { again: values.again ?? false })
  const done = requireSuccess(await follow(clientele, sent.id, 'importing'))
  console.log(`imported ${sums(done)}`)
  if (done.errorsUrl !== null) {
    const { url } = await clientele.jobs.createErrorsLink(done.jobId)
    console.log(`failed rows: ${new URL(url, gateway).href} (works for five minutes)`)
  }
  console.log(`undo it with: npm run import -- --undo ${sent.id}`)
  return done.counts.failed > 0 ? 3 : 0
}

try {
  const clientele = await importClient(gateway, credentials)
  if (values.undo !== undefined) await undoImport(clientele, values.undo)
  process.exit(file === undefined ? 0 : await importFile(clientele, file))
} catch (error) {
  const unreachable = error instanceof ClienteleError && error.code === 'network_error'
  console.error(
    unreachable
      ? `${gateway} does not respond: run \`npm start\` first, or set CLIENTELE_PUBLIC_URL`
      : describeImportError(error).split('\n').map(printable).join('\n'),
  )
  process.exit(1)
}
