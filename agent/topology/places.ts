import type { Problem } from '../plan/types.ts';
import type { Receiver, Sender } from './ends.ts';

export function placed(place: Problem['place']): Pick<Problem, 'place'> {
  return place ? { place } : {};
}

export function otherPlace(end: Sender | Receiver | undefined, option?: string): Pick<Problem, 'other'> {
  const other = option === undefined ? end?.at() : end?.at(option);
  return other ? { other } : {};
}

export function places(sender: Sender, receiver: Receiver, option: string, there = option): Pick<Problem, 'place' | 'other'> {
  return { ...placed(sender.at(option)), ...otherPlace(receiver, there) };
}
