import type { Fields } from './vendor-people.ts'

/** A file of `fixtures/vendors`, and what an import makes of it. */
export type VendorExport = {
  file: string
  preset: string | null
  /** What the file has that is not usual. */
  style?: Partial<Record<'encoding' | 'encodingBy' | 'delimiter' | 'headerRow', unknown>>
  mapping: Record<string, string>
  /** What the customer of a row has that the person has not. */
  differs?: (index: number, person: Fields) => Fields
  people?: Fields[]
  /** The problems of rows, by index. */
  failed?: Record<number, string[]>
}

/** The charset of a file with a byte order mark. */
export const bom = { encodingBy: 'mark' }
/** The charset of a file that is recognised by its letters. */
export const western = { encoding: 'windows-1252', encodingBy: 'guess' }
/** The mapping of the columns of an address. */
export const address = (street: string, city: string, region: string, postalCode: string, country: string) => ({
  [street]: 'address.street',
  [city]: 'address.city',
  [region]: 'address.region',
  [postalCode]: 'address.postalCode',
  [country]: 'address.country',
})
