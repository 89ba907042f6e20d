import { setTimeout as sleep } from 'node:timers/promises'
import { shareResult } from '@clientele/platform/runtime/shared-result'
import { eventually } from '@clientele/platform/testing/wait'

const counter = () => {
  let count = 0
  return async () => {
    count += 1
    await sleep(5)
    return count
  }
}

it('calls at the same time share one run of the work', async () => {
  const read = shareResult(counter(), { maxAgeMs: 0 })
  expect(await Promise.all([read(), read(), read()])).toEqual([1, 1, 1])
})

it('later calls share a result until it is too old', async () => {
  const read = shareResult(counter(), { maxAgeMs: 60_000 })
  await read()
  expect(await read()).toBe(1)
  const brief = shareResult(counter(), { maxAgeMs: 20 })
  await brief()
  await eventually(async () => expect(await brief()).toBe(2))
})

it('the age can depend on the time that the work took', async () => {
  const times: number[] = []
  const maxAgeMs = (tookMs: number) => {
    times.push(tookMs)
    return 60_000
  }
  const read = shareResult(counter(), { maxAgeMs })
  await read()
  expect(await read()).toBe(1)
  expect(times).toEqual([expect.any(Number)])
  expect(times[0]).toBeGreaterThan(1)
})

it('a failure is shared for as long as the options say, by default not at all', async () => {
  let tries = 0
  const fail = async () => {
    tries += 1
    throw new Error(`try ${tries}`)
  }
  const read = shareResult(fail, { maxAgeMs: 60_000 })
  await expect(read()).rejects.toThrow('try 1')
  await expect(read()).rejects.toThrow('try 2')
  const patient = shareResult(fail, { maxAgeMs: 60_000, failureMs: 60_000 })
  await expect(patient()).rejects.toThrow('try 3')
  await expect(patient()).rejects.toThrow('try 3')
})
