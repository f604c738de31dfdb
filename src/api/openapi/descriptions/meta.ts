// What all kinds share.

export const meta = `
meta.v1.ObjectMeta.annotations: Texts that tools keep with the object; nothing is selected by them.
meta.v1.ObjectMeta.creationTimestamp: CreationTimestamp is a timestamp that the server sets when the object is made.
meta.v1.ObjectMeta.deletionTimestamp: Set when deletion was asked for; the object goes when its finalizers are gone.
meta.v1.ObjectMeta.finalizers: What must happen before the object goes: each name is taken out by the one who did its part.
meta.v1.ObjectMeta.generateName: The start of a name that the server completes, where no name is given.
meta.v1.ObjectMeta.generation: Counts the changes of what is wanted (spec). Set by the server.
meta.v1.ObjectMeta.labels: Names by which objects are selected.
meta.v1.ObjectMeta.managedFields: Who manages which field; the base of server-side apply.
meta.v1.ObjectMeta.name: The object's name, unique for its kind within the namespace. Cannot be changed.
meta.v1.ObjectMeta.namespace: The namespace the object is in. Cannot be changed.
meta.v1.ObjectMeta.ownerReferences: The objects this one goes with: when all are gone, it is collected.
meta.v1.ObjectMeta.resourceVersion: The revision of the last write, not to be read as a number. Sent with an update, it must still be the current one.
meta.v1.ObjectMeta.uid: Tells this object from others that had or will have its name. Set by the server.
meta.v1.Condition: One aspect of an object's state, as somebody saw it last.
meta.v1.DeleteOptions.dryRun: "All": everything is checked, nothing is deleted.
meta.v1.DeleteOptions.gracePeriodSeconds: Seconds until the object goes; 0 is at once. The kind's own when not set.
meta.v1.DeleteOptions.orphanDependents: Whether dependents stay. Deprecated: use propagationPolicy.
meta.v1.DeleteOptions.preconditions: What must be true of the object, or it is left alone with 409.
meta.v1.DeleteOptions.propagationPolicy: What becomes of dependents. Background: collected later; Foreground: first, while the object waits; Orphan: they stay.
meta.v1.LabelSelector: A choice of objects by their labels: matchLabels and matchExpressions together. Empty chooses all, none at all chooses nothing.
meta.v1.LabelSelector.matchExpressions: Requirements that all must hold.
meta.v1.LabelSelector.matchLabels: Labels that the object must have, with these values.
meta.v1.LabelSelectorRequirement.key: The label.
meta.v1.LabelSelectorRequirement.operator: In, NotIn, Exists or DoesNotExist.
meta.v1.LabelSelectorRequirement.values: For In and NotIn at least one; none for the others.
meta.v1.ListMeta.continue: Where the next page begins: given back as it is with the same list request. Empty on the last page.
meta.v1.ListMeta.remainingItemCount: How many items follow, where no selector makes that unknown.
meta.v1.ListMeta.resourceVersion: The revision that the list shows: where a watch goes on.
meta.v1.ManagedFieldsEntry.manager: Who manages the fields.
meta.v1.ManagedFieldsEntry.operation: Apply or Update.
meta.v1.ManagedFieldsEntry.subresource: Through which subresource the fields were written; empty for the object itself.
meta.v1.OwnerReference.blockOwnerDeletion: Whether a foreground deletion of the owner waits for this object.
meta.v1.OwnerReference.controller: Whether the owner is the one that manages this object; at most one is.
meta.v1.OwnerReference.uid: Of the owner itself, so that no later one of its name is meant.
meta.v1.Status: What came of a request that answers with no object.
meta.v1.Status.code: The HTTP status.
meta.v1.Status.details: More on the reason: which object, which fields.
meta.v1.Status.message: What happened, for people.
meta.v1.Status.reason: Why, in one word, for programs.
meta.v1.Status.status: Success or Failure.
`;
