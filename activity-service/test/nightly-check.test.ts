import { metrics } from '@clientele/platform/runtime/telemetry'
import { asOwner } from '@clientele/platform/testing/database'
import { eventually } from '@clientele/platform/testing/wait'
import { createNightlyCheck } from '../src/audit/nightly-check.ts'
import { anEvent, type RunningActivity, startActivity, untilRecorded } from './start.ts'

let service: RunningActivity
beforeAll(async () => {
  service = await startActivity()
})
afterAll(() => service?.stop())

type Line = Record<string, unknown>
const checkWith = () => {
  const lines: Line[] = []
  const add = (level: string) => (fields: object, message: string) => void lines.push({ level, message, ...fields })
  const log = { info: add('info'), error: add('error') }
  const { run, check } = createNightlyCheck({ db: service.db, log })
  return { lines, run: () => run(new AbortController().signal), check: () => check(new AbortController().signal) }
}
const metric = async (name: string) =>
  Number(/^clientele_\S+ (\S+)$/m.exec(await metrics.getSingleMetricAsString(`clientele_${name}`))?.[1])

it('checks everything once a night, logs the ends of the chains and reports what it found', async () => {
  // The service itself has checked when it started, while there were no events.
  await eventually(async () => expect(await service.db.query('select from chain_checks')).toHaveLength(1))
  const events = Array.from({ length: 2_500 }, (_, index) =>
    anEvent(index % 2 ? 'customer.updated.v1' : 'media.stored.v1'),
  )
  for (const each of events) await service.broker.publish(each)
  await untilRecorded(service, events.length)
  const { lines, run } = checkWith()
  await run()
  expect(lines).toEqual([])
  await service.db.query(`update chain_checks set finished_at = finished_at - interval '1 day'`)
  await run()
  const head = (await service.admin.get('/v1/audit/head')).body
  expect(lines).toEqual([
    expect.objectContaining({ level: 'info', chain: 'lasting', seq: head.lasting.seq, hash: head.lasting.hash }),
    expect.objectContaining({ level: 'info', chain: 'passing', seq: head.passing.seq, hash: head.passing.hash }),
    expect.objectContaining({ level: 'info', from: 1, to: 2_500, checked: 2_500, redacted: 0 }),
  ])
  await run()
  expect(lines).toHaveLength(3)
  expect(await metric('audit_chain_ok')).toBe(1)
  expect(await metric('audit_chain_checked_timestamp_seconds')).toBeCloseTo(Date.now() / 1000, -2)
  expect(await metric('audit_chain_checked_events_total')).toBeGreaterThanOrEqual(2_500)
}, 60_000)

it('reports an event that was changed, also after a restart', async () => {
  await asOwner(service.database, `update events set subject = 'x' where seq = 1234`)
  const { lines, check } = checkWith()
  await check()
  expect(lines.at(-1)).toMatchObject({ level: 'error', firstBroken: 1_234, reason: 'changed' })
  expect(await metric('audit_chain_ok')).toBe(0)
  metrics.resetMetrics()
  await checkWith().run()
  expect(await metric('audit_chain_ok')).toBe(0)
})

it('stops when it is told to', async () => {
  const { check } = createNightlyCheck({ db: service.db, log: { info: () => {}, error: () => {} } })
  await expect(check(AbortSignal.abort(new Error('stopped')))).rejects.toThrow('stopped')
})
