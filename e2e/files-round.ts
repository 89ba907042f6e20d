import { deepEqual, match } from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { client } from '@clientele/platform/testing/client'
import { eventually } from '@clientele/platform/testing/wait'
import { exportedFile, succeeded } from './export-file.ts'
import { importCommand } from './import-command.ts'

/**
 * Data in and out, through the gateway of an installation: a spreadsheet with one bad row is tried, imported by the command,
 * found, exported, loaded by its link, and taken back. @throws AssertionError naming what is not as it should be
 */
export const filesRound = async (gateway: string, token: string): Promise<void> => {
  const user = client(gateway, token)
  const folder = await mkdtemp(join(tmpdir(), 'clientele-files-'))
  const path = join(folder, 'customers.csv')
  const tag = `round-${Date.now()}`
  const mails = ['ada', 'grace'].map((name) => `${name}@${tag}.example.com`)
  const rows = [`Ada;Byron;${mails[0]};${tag}`, `Grace;Wanjiru;${mails[1]};${tag}`, `Bob;;bob at example;${tag}`]
  const found = async (): Promise<string[]> =>
    (await user.get(`/v1/customers?tag=${tag}&sort=name`)).body.data.map(({ email }: { email: string }) => email)

  try {
    await writeFile(path, ['First name;Last name;E-mail;Groups', ...rows, ''].join('\n'))
    const tried = await importCommand(gateway, token, path)
    match(tried.output, /3 rows: 2 new, 0 changed, 0 skipped, 1 not taken.*nothing was imported/s)
    deepEqual([tried.code, await found()], [0, []])

    const done = await importCommand(gateway, token, path, '--yes')
    match(done.output, /imported 3 rows: 2 new, 0 changed, 0 skipped, 1 not taken/)
    deepEqual([done.code, await found()], [3, mails])
    const [, errorsUrl = ''] = /what was not taken: (\S+)/.exec(done.output) ?? []
    match(await (await fetch(errorsUrl)).text(), /bob at example/)

    const begun = await user.post('/v1/exports', { format: 'csv', filter: { tag, sort: 'name' }, fields: ['email'] })
    deepEqual(begun.status, 202)
    const file = await exportedFile(await succeeded(user, begun.headers.get('location') ?? ''))
    deepEqual(file.trim().split(/\r?\n/), ['email', ...mails])

    const [made] = (await user.get('/v1/imports?limit=1')).body.data as { id: string }[]
    deepEqual((await user.post(`/v1/imports/${made?.id}/undo`)).status, 202)
    await eventually(async () => deepEqual(await found(), []), { timeoutMs: 30_000 })
  } finally {
    await rm(folder, { recursive: true })
  }
}
