import { deepEqual, match } from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { client } from '@clientele/platform/testing/client'
import { eventually } from '@clientele/platform/testing/wait'
import { downloadExport, waitForJob } from './download-export.ts'
import { runImportCommand } from './import-command.ts'

/**
 * Checks import and export through the gateway of an installation. A spreadsheet with one bad row goes through a dry run, is
 * imported by `npm run import`, exported, downloaded by its link, and undone. @throws AssertionError for the first difference
 */
export const checkImportAndExport = async (gateway: string, token: string): Promise<void> => {
  const user = client(gateway, token)
  const folder = await mkdtemp(join(tmpdir(), 'clientele-files-'))
  const path = join(folder, 'customers.csv')
  const tag = `check-${Date.now()}`
  const mails = ['ada', 'grace'].map((name) => `${name}@${tag}.example.com`)
  const rows = [`Ada;Byron;${mails[0]};${tag}`, `Grace;Wanjiru;${mails[1]};${tag}`, `Bob;;bob at example;${tag}`]
  const found = async (): Promise<string[]> =>
    (await user.get(`/v1/customers?tag=${tag}&sort=name`)).body.data.map(({ email }: { email: string }) => email)

  try {
    await writeFile(path, ['First name;Last name;E-mail;Groups', ...rows, ''].join('\n'))
    const dryRun = await runImportCommand(gateway, token, path)
    match(dryRun.output, /3 rows: 2 new, 0 changed, 0 skipped, 1 failed.*nothing was imported/s)
    deepEqual([dryRun.code, await found()], [0, []])

    const done = await runImportCommand(gateway, token, path, '--yes')
    match(done.output, /imported 3 rows: 2 new, 0 changed, 0 skipped, 1 failed/)
    deepEqual([done.code, await found()], [3, mails])
    const [, errorsUrl = ''] = /failed rows: (\S+)/.exec(done.output) ?? []
    match(await (await fetch(errorsUrl)).text(), /bob at example/)

    const started = await user.post('/v1/exports', { format: 'csv', filter: { tag, sort: 'name' }, fields: ['email'] })
    deepEqual(started.status, 202)
    const file = await downloadExport(user, await waitForJob(user, started.headers.get('location') ?? ''))
    deepEqual(
      file.trim().split(/\r?\n/),
      ['email', ...mails].map((text) => `"${text}"`),
    )

    const [newest] = (await user.get('/v1/imports?limit=1')).body.data as { id: string }[]
    deepEqual((await user.post(`/v1/imports/${newest?.id}/undo`)).status, 202)
    await eventually(async () => deepEqual(await found(), []), { timeoutMs: 30_000 })
  } finally {
    await rm(folder, { recursive: true })
  }
}
