import { sniffTable } from '../src/tables/format-detection.ts'
import { faultOf, rowsOf, valuesOf } from './table-files.ts'

describe('JSON is read', () => {
  it.each([
    ['an array', '[{"a":1},\n {"a":2}]\n'],
    ['an array within an object', '{"exported":"today","customers":[{"a":1},{"a":2}],"count":2,"more":{"x":[1]}}'],
    ['lines', '{"a":1}\n{"a":2}\n'],
    ['lines that end as in Windows', '{"a":1}\r\n{"a":2}'],
  ])('as %s', async (_what, text) => {
    expect(await valuesOf(text)).toEqual([
      [1, { a: 1 }],
      [2, { a: 2 }],
    ])
  })

  it('one object alone is one row', async () => {
    expect(await valuesOf('{"a":1,"tags":["x"]}')).toEqual([[1, { a: 1, tags: ['x'] }]])
  })

  it('no rows are no fault', async () => {
    expect(await valuesOf('[]')).toEqual([])
    expect(await valuesOf('{"customers":[ ]}')).toEqual([])
  })

  it('finds the keys of the rows', () => {
    expect(sniffTable(Buffer.from('[{"a":1,"b":{"c":2}},{"d":3},{"e"'), false).columns).toEqual(['a', 'b', 'd'])
    expect(sniffTable(Buffer.from('[{"a":1,"b":{"c":2}}]'), true, { dotted: true }).columns).toEqual(['a', 'b.c'])
  })

  it('makes dotted names of objects where the caller wants them', async () => {
    const text = '[{"address":{"city":"Nairobi","geo":{"lat":1}},"tags":["a"],"x":null}]'
    expect(await valuesOf(text, { dotted: true })).toEqual([
      [1, { 'address.city': 'Nairobi', 'address.geo.lat': 1, tags: ['a'], x: null }],
    ])
    expect(await valuesOf('[{"a":{"b":1},"a.b":2}]', { dotted: true })).toEqual([[1, 'duplicate_key']])
  })

  it('keeps a number that JavaScript would round as the text that it was', async () => {
    expect(await valuesOf('[{"id":12345678901234567890,"n":1.5,"m":1234567890123456}]')).toEqual([
      [1, { id: '12345678901234567890', n: 1.5, m: 1234567890123456 }],
    ])
  })

  const faults: [code: string, row: string][] = [
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
  it.each(faults)('%s is the fault of a row: %s', async (code, row) => {
    const good = '{"a":"}]"}'
    const expected = [
      [1, { a: '}]' }],
      [2, code],
      [3, { a: '}]' }],
    ]
    expect(await valuesOf(`[${good},${row},${good}]`, { limits })).toEqual(expected)
    expect(await valuesOf(`${good}\n${row}\n${good}`, { limits })).toEqual(expected)
  })

  it('a key called __proto__ changes nothing', async () => {
    const [row] = await rowsOf('[{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":1}}}]')
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
  ])('%s ends the file %s', async (code, text, row) => {
    expect(await faultOf(() => rowsOf(text))).toMatchObject({ code, place: { row } })
  })

  it('a file without a list is no table', async () => {
    expect(await faultOf(() => rowsOf('{"a":{"b":1}', { limits }))).toMatchObject({ code: 'unexpected_end' })
  })
})
