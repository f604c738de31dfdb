// Where commands ask the API server about the page and about the past.

/** `POST`: a link that opens the page once. */
export const linksPath = '/portico/v1/ui/links';
/** `GET ?at=REVISION|TIME`: the objects of the Service world as they were. */
export const historyPath = '/portico/v1/history';
