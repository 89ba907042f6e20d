import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eventually } from '@clientele/platform/testing/wait'
import { freeProductPorts, type NpmProcess, productEnv, runNpm } from '../start.process.ts'
import { openShop } from './shop.ts'

const minuteMs = 60_000

describe('Backup and restore of npm start', () => {
  const folder = mkdtempSync(join(tmpdir(), 'clientele-backup-'))
  const home = join(folder, 'data')
  const backup = join(folder, 'backup')
  let env: NodeJS.ProcessEnv = {}
  let gateway = ''
  let product: NpmProcess | undefined

  const start = async () => {
    product = runNpm('start', env)
    await product.waitForOutput('Clientele is ready', 4 * minuteMs)
  }
  const stop = async () => {
    product?.interrupt()
    await product?.exited
    product = undefined
  }
  const npmCommand = async (script: string, ...args: string[]) => {
    const run = runNpm(script, env, args)
    return { code: await run.exited, output: run.output() }
  }

  beforeAll(async () => {
    const ports = await freeProductPorts()
    env = productEnv(home, ports)
    gateway = `http://localhost:${ports.GATEWAY_PORT}`
    await start()
  }, 5 * minuteMs)

  afterAll(async () => {
    await stop()
    rmSync(folder, { recursive: true, force: true })
  }, minuteMs)

  it(
    'npm run restore brings back all records of the backup, with users and photos, and removes later ones',
    async () => {
      const shop = await openShop(gateway)
      const { user, customer } = await shop.createRecords()
      const before = await shop.snapshot()
      const saved = await npmCommand('backup', '--to', backup)
      expect([saved.code, saved.output]).toEqual([0, expect.stringContaining('complete')])

      const later = await shop.createRecords()
      await shop.call('DELETE', `/v1/customers/${customer.id}/photo`)
      const whileRunning = await npmCommand('restore', '--from', backup, '--overwrite')
      expect([whileRunning.code, whileRunning.output]).toEqual([1, expect.stringContaining('Stop it first')])
      await stop()
      const refused = await npmCommand('restore', '--from', backup)
      expect([refused.code, refused.output]).toEqual([1, expect.stringContaining('add --overwrite to replace it')])
      const restored = await npmCommand('restore', '--from', backup, '--overwrite')
      expect([restored.code, restored.output]).toEqual([0, expect.stringContaining('all checks passed')])
      expect(restored.output).toMatch(/queues: [1-9]\d* emptied/)

      await start()
      const again = await openShop(gateway)
      expect(await again.snapshot()).toEqual(before)
      await openShop(gateway, user.username, user.password)
      await expect(openShop(gateway, later.user.username, later.user.password)).rejects.toThrow('401')

      // These versions were used before the restore. What remains of them must not hide the new changes.
      await again.call('PATCH', `/v1/customers/${customer.id}`, { name: 'Anew' })
      await eventually(async () => {
        const { code, output } = await npmCommand('consistency')
        expect([code, output]).toEqual([0, expect.stringContaining('all checks passed')])
      })
    },
    9 * minuteMs,
  )
})
