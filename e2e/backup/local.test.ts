import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eventually } from '@clientele/platform/testing/wait'
import { npmRun, type Run, startEnv, startPorts } from '../start.process.ts'
import { openShop } from './shop.ts'

const minutes = 60_000

describe('backup and restore of npm start', () => {
  const folder = mkdtempSync(join(tmpdir(), 'clientele-backup-'))
  const home = join(folder, 'data')
  const backup = join(folder, 'backup')
  let env: NodeJS.ProcessEnv = {}
  let gateway = ''
  let product: Run | undefined

  const start = async () => {
    product = npmRun('start', env)
    await product.says('Clientele is ready', 4 * minutes)
  }
  const stop = async () => {
    product?.interrupt()
    await product?.ended
    product = undefined
  }
  const command = async (script: string, ...args: string[]) => {
    const run = npmRun(script, env, args)
    return { code: await run.ended, output: run.output() }
  }

  beforeAll(async () => {
    const ports = await startPorts()
    env = startEnv(home, ports)
    gateway = `http://localhost:${ports.GATEWAY_PORT}`
    await start()
  }, 5 * minutes)

  afterAll(async () => {
    await stop()
    rmSync(folder, { recursive: true, force: true })
  }, minutes)

  it(
    'brings back what was there, with people and photos, and nothing of what came later',
    async () => {
      const shop = await openShop(gateway)
      const { person, customer } = await shop.work()
      const state = await shop.state()
      const saved = await command('backup', '--to', backup)
      expect([saved.code, saved.output]).toEqual([0, expect.stringContaining('complete')])

      const later = await shop.work()
      await shop.call('DELETE', `/v1/customers/${customer.id}/photo`)
      const held = await command('restore', '--from', backup, '--overwrite')
      expect([held.code, held.output]).toEqual([1, expect.stringContaining('stop it with Ctrl-C')])
      await stop()
      const refused = await command('restore', '--from', backup)
      expect([refused.code, refused.output]).toEqual([1, expect.stringContaining('--overwrite removes them')])
      const restored = await command('restore', '--from', backup, '--overwrite')
      expect([restored.code, restored.output]).toEqual([0, expect.stringContaining('all is well')])
      expect(restored.output).toMatch(/queues: [1-9]\d* emptied/)

      await start()
      const again = await openShop(gateway)
      expect(await again.state()).toEqual(state)
      await openShop(gateway, person.username, person.password)
      await expect(openShop(gateway, later.person.username, later.person.password)).rejects.toThrow('401')

      // Versions that were given once already, after the backup: what came of them must not hide the new ones.
      await again.call('PATCH', `/v1/customers/${customer.id}`, { name: 'Anew' })
      await eventually(async () => {
        const { code, output } = await command('consistency')
        expect([code, output]).toEqual([0, expect.stringContaining('all is well')])
      })
    },
    9 * minutes,
  )
})
