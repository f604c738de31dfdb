// The resources of authentication.k8s.io that answer at once: TokenReview and SelfSubjectReview.
import type { SelfSubjectReview, TokenReview, UserInfo } from '../../api/authentication/v1/types.generated.ts';
import type { KubeObject } from '../../apimachinery/object.ts';
import { badRequest } from '../../apimachinery/status.ts';
import { formatTime } from '../../apimachinery/time.ts';
import type { Clock } from '../../system/clock.ts';
import type { VirtualHandler } from '../extensions.ts';
import type { User } from '../request.ts';
import type { RequestAuthenticator } from './authenticator.ts';

export function userInfo({ name, uid, groups, extra }: User): UserInfo {
  return {
    username: name,
    ...(uid && { uid }),
    ...(groups.length > 0 && { groups: [...groups] }),
    ...(extra && { extra: Object.fromEntries(Object.entries(extra).map(([key, values]) => [key, [...values]])) }),
  };
}

/** `tokenreviews.authentication.k8s.io`. */
export function tokenReview(authenticator: RequestAuthenticator): VirtualHandler {
  return async (object) => {
    const review = object as unknown as TokenReview;
    const token = review.spec?.token ?? '';
    if (token === '') throw badRequest('token is required for TokenReview in authentication');
    const audiences = review.spec?.audiences?.length ? review.spec.audiences : undefined;
    const result = await authenticator.authenticateToken(token, audiences);
    const status = result
      ? {
          authenticated: true,
          user: userInfo(result.user),
          ...(result.audiences && { audiences: [...result.audiences] }),
        }
      : { user: {}, error: '[invalid bearer token, token lookup failed]' };
    return { ...object, status } as KubeObject;
  };
}

/** `selfsubjectreviews.authentication.k8s.io`: who the server thinks that the caller is (`kubectl auth whoami`), and when. */
export function selfSubjectReview(clock: Clock): VirtualHandler {
  return async ({ apiVersion, kind }, { user }) => {
    // Of what was sent nothing comes back.
    const metadata = { creationTimestamp: formatTime(clock.now()) };
    const status: SelfSubjectReview['status'] = { userInfo: userInfo(user) };
    return { apiVersion, kind, metadata, status } as unknown as KubeObject;
  };
}
