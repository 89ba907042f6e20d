/** A user, as stamps show one. */
export const actor = { id: '5a1f6f0e-8f2b-4c0e-9d43-0d6f3b1f8a11', displayName: 'Ben Turner' }

/** The stamps of a record that was changed once. */
export const exampleStamps = {
  createdAt: '2026-11-20T09:30:00.000Z',
  createdBy: actor,
  updatedAt: '2026-11-21T14:05:12.345Z',
  updatedBy: actor,
  version: 2,
}

export const mediaId = '0190a5c4-6f00-7000-8000-0000000000aa'
export const customerId = '0190a5c4-6f00-7000-8000-000000000001'
export const productId = '0190a5c4-6f00-7000-8000-000000000010'
export const signedLink = (variant: 'original' | 'medium' | 'thumb'): string =>
  `/v1/media/${mediaId}/content?variant=${variant}&expires=1795168800&signature=c2lnbmVk`

/** The links of a record with a photo. */
export const exampleLinks = {
  photoUrl: signedLink('medium'),
  photoUrls: { thumb: signedLink('thumb'), medium: signedLink('medium'), original: signedLink('original') },
}
