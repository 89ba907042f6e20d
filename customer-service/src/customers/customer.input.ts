import { CustomerPatch, NewCustomer } from '@clientele/contracts/customer'
import { line, phone as phoneText } from '@clientele/contracts/fields'
import { type CountryCode, parsePhoneNumberFromString } from 'libphonenumber-js'
import { z } from 'zod'
import type { RequirableField } from '../config.ts'

/** What a deployment asks of a customer. */
export type Policy = { requiredFields: readonly RequirableField[]; defaultCountry?: string | undefined }

/**
 * A telephone number in E.164, or undefined where it cannot be one. Only its length is judged: number ranges are opened
 * faster than a library learns of them.
 */
export const toE164 = (text: string, defaultCountry?: string): string | undefined => {
  const number = parsePhoneNumberFromString(text, defaultCountry as CountryCode | undefined)
  return number?.isPossible() ? number.number : undefined
}

const e164 = (defaultCountry: string | undefined) =>
  phoneText.transform((text, context) => {
    const number = toE164(text, defaultCountry)
    if (number !== undefined) return number
    const message =
      defaultCountry === undefined
        ? 'must be a telephone number with + and country code'
        : `must be a telephone number, with + and country code outside ${defaultCountry}`
    context.issues.push({ code: 'custom', input: text, message })
    return z.NEVER
  })

/**
 * The request bodies under a deployment's policy: one parse finds the wrong fields, the missing ones and the bad numbers.
 * A PATCH may leave a required field out but not empty it.
 */
export const createInputs = ({ requiredFields, defaultCountry }: Policy) => {
  const phone = e164(defaultCountry)
  const email = NewCustomer.shape.email.unwrap().unwrap()
  const bare = {
    name: line(200).meta({ example: 'Ana' }),
    surname: line(200).meta({ example: 'Lovelace' }),
    email,
    phone,
  }
  const required = Object.fromEntries(requiredFields.map((field) => [field, bare[field]])) as Pick<
    typeof bare,
    RequirableField
  >
  const kept = Object.fromEntries(requiredFields.map((field) => [field, bare[field].optional()]))
  return {
    NewCustomer: z
      .strictObject({ ...NewCustomer.shape, phone: phone.nullish(), ...(required as Record<never, never>) })
      .meta({ id: 'NewCustomer' }),
    CustomerPatch: z
      .strictObject({ ...CustomerPatch.shape, phone: phone.nullish(), ...(kept as Record<never, never>) })
      .meta({ id: 'CustomerPatch' }),
  }
}
export type Inputs = ReturnType<typeof createInputs>
