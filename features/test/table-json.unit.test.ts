import { detectTable } from '../src/tables/format-detection.ts'
import { fileErrorOf, readText, valuesOf } from './table-files.ts'

describe('Reading JSON', () => {
  it.each([
    ['an array', '[{"a":1},\n {"a":2}]\n'],
    ['an array within an object', '{"exported":"today","customers":[{"a":1},{"a":2}],"count":2,"more":{"x":[1]}}'],
    ['lines', '{"a":1}\n{"a":2}\n'],
    ['lines that end as in Windows', '{"a":1}\r\n{"a":2}'],
  ])('rows are read from %s', async (_what, text) => {
    expect(await valuesOf(text)).toEqual([
      [1, { a: 1 }],
      [2, { a: 2 }],
    ])
  })

  it('a single object is one row', async () => {
    expect(await valuesOf('{"a":1,"tags":["x"]}')).toEqual([[1, { a: 1, tags: ['x'] }]])
  })

  it('a file with an empty list has no rows', async () => {
    expect(await valuesOf('[]')).toEqual([])
    expect(await valuesOf('{"customers":[ ]}')).toEqual([])
  })

  it('the columns are the keys of the first rows', () => {
    expect(detectTable(Buffer.from('[{"a":1,"b":{"c":2}},{"d":3},{"e"'), false).columns).toEqual(['a', 'b', 'd'])
    expect(detectTable(Buffer.from('[{"a":1,"b":{"c":2}}]'), true, { dotted: true }).columns).toEqual(['a', 'b.c'])
  })

  it('nested objects become dotted keys when dotted is true', async () => {
    const text = '[{"address":{"city":"Nairobi","geo":{"lat":1}},"tags":["a"],"x":null}]'
    expect(await valuesOf(text, { dotted: true })).toEqual([
      [1, { 'address.city': 'Nairobi', 'address.geo.lat': 1, tags: ['a'], x: null }],
    ])
    expect(await valuesOf('[{"a":{"b":1},"a.b":2}]', { dotted: true })).toEqual([[1, 'duplicate_key']])
  })

  it('a number that JavaScript would round is kept as a string', async () => {
    expect(await valuesOf('[{"id":12345678901234567890,"n":1.5,"m":1234567890123456}]')).toEqual([
      [1, { id: '12345678901234567890', n: 1.5, m: 1234567890123456 }],
    ])
  })

  const invalidRows: [code: string, row: string][] = [
    ['invalid_json', '{"a":tru}'],
    ['invalid_json', "{'a':1}"],
    ['not_an_object', '[1]'],
    ['not_an_object', '"text"'],
    ['not_an_object', 'null'],
    ['duplicate_key', '{"a":1,"b":{"c":1,"c":2}}'],
    ['nul_character', '{"a":"x\\u0000"}'],
    ['lone_surrogate', '{"a":"\\ud83d"}'],
    ['cell_too_long', `{"a":"${'x'.repeat(60)}"}`],
    ['row_too_long', `{"a":"${'x'.repeat(600)}"}`],
    ['too_deep', `{"a":${'['.repeat(70)}${']'.repeat(70)}}`],
    ['too_many_columns', `{${Array.from({ length: 30 }, (_, at) => `"${at}":1`)}}`],
  ]
  const limits = { rowBytes: 500, cellLength: 50, columns: 20, blockBytes: 7 }
  it.each(invalidRows)('the error %s is reported for the row %s', async (code, row) => {
    const good = '{"a":"}]"}'
    const expected = [
      [1, { a: '}]' }],
      [2, code],
      [3, { a: '}]' }],
    ]
    expect(await valuesOf(`[${good},${row},${good}]`, { limits })).toEqual(expected)
    expect(await valuesOf(`${good}\n${row}\n${good}`, { limits })).toEqual(expected)
  })

  it('a key called __proto__ does not change the prototype', async () => {
    const [row] = await readText('[{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":1}}}]')
    expect(Object.keys(row?.values ?? {})).toEqual(['__proto__', 'constructor'])
    expect(({} as Record<string, unknown>).polluted).toBeUndefined()
  })

  it.each([
    ['invalid_json', '[{"a":1}{"a":2}]', 2],
    ['invalid_json', '[{"a":1},]', 2],
    ['invalid_json', '[{"a":[1}]}]', 1],
    ['invalid_json', '[{"a":1}] x', 2],
    ['invalid_json', '{"customers":[{"a":1}],"orders":[{"a":1}]}', 2],
    ['unexpected_end', '[{"a":1},{"a"', 2],
    ['unexpected_end', '[{"a":1}', 2],
  ])('reading fails with %s at the file %s', async (code, text, row) => {
    expect(await fileErrorOf(() => readText(text))).toMatchObject({ code, position: { row } })
  })

  it('an incomplete file without a list is rejected', async () => {
    expect(await fileErrorOf(() => readText('{"a":{"b":1}', { limits }))).toMatchObject({ code: 'unexpected_end' })
  })
})
