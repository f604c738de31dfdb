/** What an answer says that is no success: the message of a Status or the like, all of a text; undefined for JSON without a message. */
export function messageIn(text: string): string | undefined {
  try {
    return (JSON.parse(text) as { message?: string }).message;
  } catch {
    return text.trim();
  }
}
