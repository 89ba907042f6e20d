import { people, startPeople } from './people.ts'

let started: Awaited<ReturnType<typeof startPeople>>
beforeAll(async () => {
  started = await startPeople()
})
afterAll(() => started?.stop())

it('a list responds to 600 random queries with rows or a 400', async () => {
  let seed = 20261120
  const random = (below: number): number => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0
    return Math.floor((seed / 2 ** 32) * below)
  }
  const pick = <T>(from: readonly T[]): T => from[random(from.length)] as T
  const names = [...Object.keys(people.query.shape), 'nothing', 'id', '']
  const operators = [
    '',
    '',
    '[ne]',
    '[gt]',
    '[gte]',
    '[lt]',
    '[lte]',
    '[contains]',
    '[startsWith]',
    '[exists]',
    '[x]',
    '[',
  ]
  const pieces = [
    'a',
    '0',
    '9',
    ',',
    '-',
    '.',
    '\\',
    '%',
    '_',
    "'",
    '"',
    '\0',
    '\ud83d',
    'é',
    '{',
    '}',
    '(',
    ';',
    ' ',
    'T',
    ':',
    'Z',
  ]
  const values = [
    'true',
    'false',
    'me',
    '2026-01-01',
    '9999-12-31T23:59:59-14:00',
    '1e9',
    'NaN',
    'Infinity',
    'null',
    '-createdAt',
  ]
  let succeeded = 0
  for (let n = 0; n < 600; n += 1) {
    const query: Record<string, string> = {}
    for (let parameter = random(2); parameter >= 0; parameter -= 1) {
      const noise = Array.from({ length: random(12) }, () => pick(pieces)).join('')
      const texts = `${pick(['surname', 'email', 'tag', 'createdBy'])}${pick(['', '[ne]'])}`
      query[random(2) === 0 ? texts : pick(names) + pick(operators)] = random(2) === 0 ? pick(values) : noise
    }
    await started.run(query).then(
      () => {
        succeeded += 1
      },
      (error) => expect([error, query]).toMatchObject([{ name: 'Problem', status: 400 }, query]),
    )
  }
  expect(succeeded).toBeGreaterThan(50)
})
