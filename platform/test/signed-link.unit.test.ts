import { signLink, verifyLink } from '@clientele/platform/http/signed-link'

const key = 'k'.repeat(32)
const now = Date.UTC(2026, 10, 20, 9, 30)
const sign = (path: string, at = now) => signLink(path, { key, ttlSeconds: 3600, now: at })

describe('Signed links', () => {
  it('a link works until it expires', () => {
    const link = sign('/v1/media/1/content?variant=thumb')
    expect(verifyLink(link, key, now)).toBe(true)
    expect(verifyLink(link, key, now + 3599_000)).toBe(true)
    expect(verifyLink(link, key, now + 1.5 * 3600_000 + 1000)).toBe(false)
  })

  it('signing returns the same link for a while, so that it can be cached', () => {
    expect(sign('/a', now + 60_000)).toBe(sign('/a', now + 120_000))
    expect(sign('/a', now)).not.toBe(sign('/a', now + 3600_000))
  })

  it('a link may be absolute and have its parameters in another order', () => {
    const link = sign('/v1/media/1/content?variant=thumb')
    expect(verifyLink(`https://crm.example.com${link}`, key, now)).toBe(true)
    const [path, query = ''] = link.split('?')
    expect(verifyLink(`${path}?${query.split('&').reverse().join('&')}`, key, now)).toBe(true)
  })

  const link = sign('/v1/media/1/content?variant=thumb')
  it.each([
    ['a link with another path', link.replace('/1/', '/2/')],
    ['a link with a changed parameter', link.replace('thumb', 'original')],
    ['a link with an additional parameter', `${link}&download=1`],
    [
      'a link with a later expiry',
      link.replace(/expires=(\d+)/, (_all, seconds) => `expires=${Number(seconds) + 3600}`),
    ],
    ['a link without an expiry', link.replace(/&expires=\d+/, '')],
    ['a link with two expiries', `${link}&expires=99999999999`],
    ['a link with an altered signature', link.replace(/signature=./, 'signature=!')],
    ['a link with an empty signature', link.replace(/signature=.*/, 'signature=')],
    ['a link without a signature', link.replace(/&signature=.*/, '')],
    ['a link with two signatures', `${link}&signature=x`],
    ['an empty link', ''],
    ['an invalid URL', 'http://['],
  ])('%s is rejected', (_change, altered) => {
    expect(verifyLink(altered, key, now)).toBe(false)
  })

  it('a link signed with another key is rejected', () => {
    expect(verifyLink(link, 'x'.repeat(32), now)).toBe(false)
  })

  it('a signed link cannot be signed again', () => {
    expect(() => sign(link)).toThrow('already signed')
  })
})
