import { CustomerPatch, NewCustomer } from '@clientele/contracts/customer'
import { line, phone as phoneText } from '@clientele/contracts/fields'
import { type CountryCode, parsePhoneNumberFromString } from 'libphonenumber-js'
import { z } from 'zod'
import type { RequirableField } from '../config.ts'
import { isCountry } from './countries.ts'

/** What a deployment requires of a customer. */
export type CustomerPolicy = { requiredFields: readonly RequirableField[]; defaultCountry?: string | undefined }

// `1234567/68` stands for 1234567 and 1234568. A slash after an area code is followed by more digits.
const secondEnding = /(?:\d[\s.-]?){5}\/\s*\d{1,3}$/

/**
 * Converts a telephone number to E.164; undefined if it is not one. Only the length is checked, because new number ranges
 * come into use before the library knows them.
 */
export const toE164 = (text: string, defaultCountry?: string): string | undefined => {
  if (secondEnding.test(text)) return undefined
  const number = parsePhoneNumberFromString(text, defaultCountry as CountryCode | undefined)
  return number?.isPossible() ? number.number : undefined
}

const phoneSchema = (defaultCountry: string | undefined) =>
  phoneText.transform((text, context) => {
    const number = toE164(text, defaultCountry)
    if (number !== undefined) return number
    context.issues.push({ code: 'custom', input: text, message: phoneMessage(text, defaultCountry) })
    return z.NEVER
  })

const phoneMessage = (text: string, defaultCountry: string | undefined): string => {
  if (secondEnding.test(text.trim())) return 'must be one telephone number; leave out what follows the /'
  return defaultCountry === undefined
    ? 'must be a telephone number with + and country code'
    : `must be a telephone number, with + and country code outside ${defaultCountry}`
}

// It runs even if other fields are invalid, so that one response names everything. The schema of the field reports other texts.
const countryRule = {
  check: ({ address }: { address?: { country?: string | null | undefined } | null | undefined }): boolean =>
    typeof address?.country !== 'string' ||
    !/^[A-Z]{2}$/i.test(address.country) ||
    isCountry(address.country.toUpperCase()),
  issue: {
    when: ({ value }: { value: unknown }) => typeof value === 'object' && value !== null,
    path: ['address', 'country'],
    params: { code: 'invalid_value' },
    error: 'must be the ISO 3166-1 alpha-2 code of a country, such as DE',
  },
}

/**
 * The schemas of request bodies under a deployment's policy. One parse finds wrong fields, missing fields and invalid
 * telephone numbers. A PATCH may omit a required field but not empty it.
 */
export const createInputs = ({ requiredFields, defaultCountry }: CustomerPolicy) => {
  const phone = phoneSchema(defaultCountry)
  const email = NewCustomer.shape.email.unwrap().unwrap()
  const baseFields = {
    name: line(200).meta({ example: 'Ana' }),
    surname: line(200).meta({ example: 'Lovelace' }),
    email,
    phone,
  }
  const required = Object.fromEntries(requiredFields.map((field) => [field, baseFields[field]])) as Pick<
    typeof baseFields,
    RequirableField
  >
  const notEmptied = Object.fromEntries(requiredFields.map((field) => [field, baseFields[field].optional()]))
  return {
    NewCustomer: z
      .strictObject({ ...NewCustomer.shape, phone: phone.nullish(), ...(required as Record<never, never>) })
      .refine(countryRule.check, countryRule.issue)
      .meta({ id: 'NewCustomer' }),
    CustomerPatch: z
      .strictObject({ ...CustomerPatch.shape, phone: phone.nullish(), ...(notEmptied as Record<never, never>) })
      .refine(countryRule.check, countryRule.issue)
      .meta({ id: 'CustomerPatch' }),
  }
}
export type Inputs = ReturnType<typeof createInputs>
