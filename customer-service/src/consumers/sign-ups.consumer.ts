import { userCreated } from '@clientele/contracts/user'
import { systemActor } from '@clientele/platform/auth/token-verifier'
import { consumer } from '@clientele/platform/events/consumer/consumer'
import type { SignUps } from '../customers/customer.sign-up.ts'

/** Makes the customer that a person asked for at sign-up. */
export const userSignedUp = ({ signUps }: { signUps: SignUps }) =>
  consumer({
    queue: 'customer-service.sign-ups',
    events: [userCreated],
    handle: async ({ subject, data }, tx) => {
      if (!data.createCustomer) return
      const { name, surname, email, displayName } = data
      await signUps.welcome(
        { userId: subject, name, surname, email, displayName },
        { ...systemActor(''), ...data.actor },
        tx,
      )
    },
  })
