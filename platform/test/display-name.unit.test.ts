import { publicName } from '../src/runtime/display-name.ts'

describe('publicName', () => {
  it.each([
    ['the first name', ['Ana Lovelace', 'ana'], 'Ana Lovelace'],
    ['the next one without an e-mail address', ['ana@example.com', 'ana'], 'ana'],
    ['the beginning of the id if each is an e-mail address', ['ana@example.com B', 'ana@example.com'], 'User 7f3a'],
    ['the beginning of the id without a name', ['', undefined, null, 7], 'User 7f3a'],
  ])('publicName returns %s', (_what, names, expected) => {
    expect(publicName('7f3a91c2-2f5c-4b0e-8f3d-000000000000', ...names)).toBe(expected)
  })
})
