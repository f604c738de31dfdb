// What makes and scales Pods.

export const workloads = `
apps.v1.ControllerRevision: One earlier state of a StatefulSet or DaemonSet, kept for rolling back.
apps.v1.DaemonSet: One Pod on every node, or on those that its template selects.
apps.v1.DaemonSetSpec.selector: The Pods that belong to it; must match the template's labels. Cannot be changed.
apps.v1.DaemonSetSpec.template: The Pods.
apps.v1.DaemonSetSpec.updateStrategy: RollingUpdate (the default) or OnDelete.
apps.v1.DaemonSetStatus.currentNumberScheduled: Nodes that have a Pod and should.
apps.v1.DaemonSetStatus.desiredNumberScheduled: Nodes that should have one.
apps.v1.DaemonSetStatus.numberReady: Nodes whose Pod is ready.
apps.v1.Deployment: Pods that are alike, as many as wanted, replaced step by step when their template changes.
apps.v1.DeploymentSpec.minReadySeconds: Seconds that a Pod must be ready to count as available.
apps.v1.DeploymentSpec.paused: Whether changes of the template wait.
apps.v1.DeploymentSpec.progressDeadlineSeconds: Seconds without progress after which the condition Progressing is False. Default: 600.
apps.v1.DeploymentSpec.replicas: How many Pods. Default: 1.
apps.v1.DeploymentSpec.revisionHistoryLimit: How many old ReplicaSets are kept for rolling back. Default: 10.
apps.v1.DeploymentSpec.selector: The Pods that belong to it; must match the template's labels. Cannot be changed.
apps.v1.DeploymentSpec.strategy: RollingUpdate (the default) or Recreate: all old Pods go first.
apps.v1.DeploymentSpec.template: The Pods.
apps.v1.DeploymentStatus.availableReplicas: Pods that have been ready for minReadySeconds.
apps.v1.DeploymentStatus.observedGeneration: The generation that the other fields are about.
apps.v1.DeploymentStatus.readyReplicas: Pods that are ready.
apps.v1.DeploymentStatus.replicas: All its Pods.
apps.v1.DeploymentStatus.updatedReplicas: Pods of the present template.
apps.v1.ReplicaSet: Pods that are alike, as many as wanted. As a rule a Deployment's.
apps.v1.ReplicaSetSpec.replicas: How many Pods. Default: 1.
apps.v1.ReplicaSetSpec.selector: The Pods that belong to it. Cannot be changed.
apps.v1.RollingUpdateDeployment.maxSurge: How many Pods more than wanted there may be: a number, or a part in percent. Default: 25%.
apps.v1.RollingUpdateDeployment.maxUnavailable: How many fewer may be available. Default: 25%.
apps.v1.StatefulSet: Pods with names, order and volumes of their own that outlive them.
apps.v1.StatefulSetSpec.podManagementPolicy: OrderedReady (the default): one after the other; Parallel: all at once.
apps.v1.StatefulSetSpec.replicas: How many Pods. Default: 1.
apps.v1.StatefulSetSpec.serviceName: The headless Service below whose name the Pods' DNS names are.
apps.v1.StatefulSetSpec.volumeClaimTemplates: Claims made for each Pod, and kept for the next one of its name.
autoscaling.v1.HorizontalPodAutoscaler: Scales a workload by the cpu it uses.
autoscaling.v1.Scale: How many replicas a workload wants and has.
autoscaling.v1.ScaleSpec.replicas: How many are wanted.
autoscaling.v1.ScaleStatus.replicas: How many there are.
autoscaling.v1.ScaleStatus.selector: The Pods, as a label selector's text.
autoscaling.v2.HorizontalPodAutoscaler: Scales a workload by metrics.
autoscaling.v2.HorizontalPodAutoscalerSpec.behavior: How fast it may scale, each way.
autoscaling.v2.HorizontalPodAutoscalerSpec.maxReplicas: At most this many.
autoscaling.v2.HorizontalPodAutoscalerSpec.metrics: What is measured, and aimed at; the largest number of replicas that one asks for counts.
autoscaling.v2.HorizontalPodAutoscalerSpec.minReplicas: At least this many. Default: 1.
autoscaling.v2.HorizontalPodAutoscalerSpec.scaleTargetRef: The workload.
batch.v1.CronJob: Makes Jobs by a time table.
batch.v1.CronJobSpec.concurrencyPolicy: Allow (the default), Forbid, or Replace the one that still runs.
batch.v1.CronJobSpec.failedJobsHistoryLimit: How many failed Jobs are kept. Default: 1.
batch.v1.CronJobSpec.jobTemplate: The Jobs.
batch.v1.CronJobSpec.schedule: When, as cron writes it: minute, hour, day, month, weekday.
batch.v1.CronJobSpec.startingDeadlineSeconds: How late a Job may still be made.
batch.v1.CronJobSpec.successfulJobsHistoryLimit: How many finished Jobs are kept. Default: 3.
batch.v1.CronJobSpec.suspend: Whether no further Jobs are made.
batch.v1.CronJobSpec.timeZone: The time zone of the schedule; that of the controller when not set.
batch.v1.Job: Pods that run to their end, until enough have succeeded.
batch.v1.JobSpec.activeDeadlineSeconds: Seconds after which it is stopped and counts as failed.
batch.v1.JobSpec.backoffLimit: Failures after which it counts as failed. Default: 6.
batch.v1.JobSpec.completionMode: NonIndexed (the default), or Indexed: each completion has a number.
batch.v1.JobSpec.completions: How many Pods must succeed.
batch.v1.JobSpec.parallelism: How many run at once. Default: 1.
batch.v1.JobSpec.suspend: Whether it has no Pods for now.
batch.v1.JobSpec.template: The Pods; their restartPolicy must be OnFailure or Never.
batch.v1.JobSpec.ttlSecondsAfterFinished: Seconds after its end when it is deleted.
batch.v1.JobStatus.active: Pods that run, or are about to.
batch.v1.JobStatus.failed: Pods that failed.
batch.v1.JobStatus.succeeded: Pods that succeeded.
core.v1.ReplicationController: The older form of a ReplicaSet.
policy.v1.Eviction: Asks for a Pod to go, as far as disruption budgets allow it.
policy.v1.PodDisruptionBudget: How many Pods of an application must stay when others want them gone.
policy.v1.PodDisruptionBudgetSpec.maxUnavailable: At most this many may be away: a number, or a part in percent.
policy.v1.PodDisruptionBudgetSpec.minAvailable: At least this many must stay.
policy.v1.PodDisruptionBudgetSpec.selector: The Pods it is about.
policy.v1.PodDisruptionBudgetStatus.disruptionsAllowed: How many may go now.
scheduling.v1.PriorityClass: A name for a priority of Pods.
scheduling.v1.PriorityClass.globalDefault: Whether Pods without a class have this one.
scheduling.v1.PriorityClass.value: The priority; higher ones go first.
`;
