/** Go types of volumes and their sources (core/v1). */
import type { StructType } from '../template/types.ts'
import type { TypeTable } from './define.ts'
import { defineTypes, structOf } from './define.ts'
import { REFERENCE_TYPES } from './references.ts'

/** Types of this file and those it builds on, for the tables of others. */
export const VOLUME_TYPES: TypeTable = defineTypes(
  `
  HostPathVolumeSource
    Path  path   string
    Type  type?  *string(HostPathType)

  EmptyDirVolumeSource
    Medium     medium?     string(StorageMedium)
    SizeLimit  sizeLimit?  *Quantity

  GCEPersistentDiskVolumeSource
    PDName     pdName      string
    FSType     fsType?     string
    Partition  partition?  int32
    ReadOnly   readOnly?   bool

  AWSElasticBlockStoreVolumeSource
    VolumeID   volumeID    string
    FSType     fsType?     string
    Partition  partition?  int32
    ReadOnly   readOnly?   bool

  GitRepoVolumeSource
    Repository  repository  string
    Revision    revision?   string
    Directory   directory?  string

  KeyToPath
    Key   key    string
    Path  path   string
    Mode  mode?  *int32

  SecretVolumeSource
    SecretName   secretName?   string
    Items        items?        []KeyToPath
    DefaultMode  defaultMode?  *int32
    Optional     optional?     *bool

  NFSVolumeSource
    Server    server     string
    Path      path       string
    ReadOnly  readOnly?  bool

  ISCSIVolumeSource
    TargetPortal       targetPortal        string
    IQN                iqn                 string
    Lun                lun                 int32
    ISCSIInterface     iscsiInterface?     string
    FSType             fsType?             string
    ReadOnly           readOnly?           bool
    Portals            portals?            []string
    DiscoveryCHAPAuth  chapAuthDiscovery?  bool
    SessionCHAPAuth    chapAuthSession?    bool
    SecretRef          secretRef?          *LocalObjectReference
    InitiatorName      initiatorName?      *string

  GlusterfsVolumeSource
    EndpointsName  endpoints  string
    Path           path       string
    ReadOnly       readOnly?  bool

  PersistentVolumeClaimVolumeSource
    ClaimName  claimName  string
    ReadOnly   readOnly?  bool

  RBDVolumeSource
    CephMonitors  monitors    []string
    RBDImage      image       string
    FSType        fsType?     string
    RBDPool       pool?       string
    RadosUser     user?       string
    Keyring       keyring?    string
    SecretRef     secretRef?  *LocalObjectReference
    ReadOnly      readOnly?   bool

  FlexVolumeSource
    Driver     driver      string
    FSType     fsType?     string
    SecretRef  secretRef?  *LocalObjectReference
    ReadOnly   readOnly?   bool
    Options    options?    map[string]string

  CinderVolumeSource
    VolumeID   volumeID    string
    FSType     fsType?     string
    ReadOnly   readOnly?   bool
    SecretRef  secretRef?  *LocalObjectReference

  CephFSVolumeSource
    Monitors    monitors     []string
    Path        path?        string
    User        user?        string
    SecretFile  secretFile?  string
    SecretRef   secretRef?   *LocalObjectReference
    ReadOnly    readOnly?    bool

  FlockerVolumeSource
    DatasetName  datasetName?  string
    DatasetUUID  datasetUUID?  string

  DownwardAPIVolumeFile
    Path              path               string
    FieldRef          fieldRef?          *ObjectFieldSelector
    ResourceFieldRef  resourceFieldRef?  *ResourceFieldSelector
    Mode              mode?              *int32

  DownwardAPIVolumeSource
    Items        items?        []DownwardAPIVolumeFile
    DefaultMode  defaultMode?  *int32

  FCVolumeSource
    TargetWWNs  targetWWNs?  []string
    Lun         lun?         *int32
    FSType      fsType?      string
    ReadOnly    readOnly?    bool
    WWIDs       wwids?       []string

  AzureFileVolumeSource
    SecretName  secretName  string
    ShareName   shareName   string
    ReadOnly    readOnly?   bool

  ConfigMapVolumeSource
    LocalObjectReference  -             ...LocalObjectReference
    Items                 items?        []KeyToPath
    DefaultMode           defaultMode?  *int32
    Optional              optional?     *bool

  VsphereVirtualDiskVolumeSource
    VolumePath         volumePath          string
    FSType             fsType?             string
    StoragePolicyName  storagePolicyName?  string
    StoragePolicyID    storagePolicyID?    string

  QuobyteVolumeSource
    Registry  registry   string
    Volume    volume     string
    ReadOnly  readOnly?  bool
    User      user?      string
    Group     group?     string
    Tenant    tenant?    string

  AzureDiskVolumeSource
    DiskName     diskName      string
    DataDiskURI  diskURI       string
    CachingMode  cachingMode?  *string(AzureDataDiskCachingMode)
    FSType       fsType?       *string
    ReadOnly     readOnly?     *bool
    Kind         kind?         *string(AzureDataDiskKind)

  PhotonPersistentDiskVolumeSource
    PdID    pdID     string
    FSType  fsType?  string

  SecretProjection
    LocalObjectReference  -          ...LocalObjectReference
    Items                 items?     []KeyToPath
    Optional              optional?  *bool

  DownwardAPIProjection
    Items  items?  []DownwardAPIVolumeFile

  ConfigMapProjection
    LocalObjectReference  -          ...LocalObjectReference
    Items                 items?     []KeyToPath
    Optional              optional?  *bool

  ServiceAccountTokenProjection
    Audience           audience?           string
    ExpirationSeconds  expirationSeconds?  *int64
    Path               path                string

  ClusterTrustBundleProjection
    Name           name?           *string
    SignerName     signerName?     *string
    LabelSelector  labelSelector?  *LabelSelector
    Optional       optional?       *bool
    Path           path            string

  PodCertificateProjection
    SignerName            signerName?            string
    KeyType               keyType?               string
    MaxExpirationSeconds  maxExpirationSeconds?  *int32
    CredentialBundlePath  credentialBundlePath?  string
    KeyPath               keyPath?               string
    CertificateChainPath  certificateChainPath?  string
    UserAnnotations       userAnnotations?       map[string]string

  VolumeProjection
    Secret               secret?               *SecretProjection
    DownwardAPI          downwardAPI?          *DownwardAPIProjection
    ConfigMap            configMap?            *ConfigMapProjection
    ServiceAccountToken  serviceAccountToken?  *ServiceAccountTokenProjection
    ClusterTrustBundle   clusterTrustBundle?   *ClusterTrustBundleProjection
    PodCertificate       podCertificate?       *PodCertificateProjection

  ProjectedVolumeSource
    Sources      sources       []VolumeProjection
    DefaultMode  defaultMode?  *int32

  PortworxVolumeSource
    VolumeID  volumeID   string
    FSType    fsType?    string
    ReadOnly  readOnly?  bool

  ScaleIOVolumeSource
    Gateway           gateway            string
    System            system             string
    SecretRef         secretRef          *LocalObjectReference
    SSLEnabled        sslEnabled?        bool
    ProtectionDomain  protectionDomain?  string
    StoragePool       storagePool?       string
    StorageMode       storageMode?       string
    VolumeName        volumeName?        string
    FSType            fsType?            string
    ReadOnly          readOnly?          bool

  StorageOSVolumeSource
    VolumeName       volumeName?       string
    VolumeNamespace  volumeNamespace?  string
    FSType           fsType?           string
    ReadOnly         readOnly?         bool
    SecretRef        secretRef?        *LocalObjectReference

  CSIVolumeSource
    Driver                driver                 string
    ReadOnly              readOnly?              *bool
    FSType                fsType?                *string
    VolumeAttributes      volumeAttributes?      map[string]string
    NodePublishSecretRef  nodePublishSecretRef?  *LocalObjectReference

  VolumeResourceRequirements
    Limits    limits?    ResourceList
    Requests  requests?  ResourceList

  TypedLocalObjectReference
    APIGroup  apiGroup  *string
    Kind      kind      string
    Name      name      string

  TypedObjectReference
    APIGroup   apiGroup    *string
    Kind       kind        string
    Name       name        string
    Namespace  namespace?  *string

  PersistentVolumeClaimSpec
    AccessModes                accessModes?                []string(PersistentVolumeAccessMode)
    Selector                   selector?                   *LabelSelector
    Resources                  resources?                  VolumeResourceRequirements
    VolumeName                 volumeName?                 string
    StorageClassName           storageClassName?           *string
    VolumeMode                 volumeMode?                 *string(PersistentVolumeMode)
    DataSource                 dataSource?                 *TypedLocalObjectReference
    DataSourceRef              dataSourceRef?              *TypedObjectReference
    VolumeAttributesClassName  volumeAttributesClassName?  *string

  PersistentVolumeClaimTemplate
    ObjectMeta  metadata?  ...ObjectMeta
    Spec        spec       PersistentVolumeClaimSpec

  EphemeralVolumeSource
    VolumeClaimTemplate  volumeClaimTemplate?  *PersistentVolumeClaimTemplate

  ImageVolumeSource
    Reference   reference?   string
    PullPolicy  pullPolicy?  string(PullPolicy)

  VolumeSource
    HostPath               hostPath?               *HostPathVolumeSource
    EmptyDir               emptyDir?               *EmptyDirVolumeSource
    GCEPersistentDisk      gcePersistentDisk?      *GCEPersistentDiskVolumeSource
    AWSElasticBlockStore   awsElasticBlockStore?   *AWSElasticBlockStoreVolumeSource
    GitRepo                gitRepo?                *GitRepoVolumeSource
    Secret                 secret?                 *SecretVolumeSource
    NFS                    nfs?                    *NFSVolumeSource
    ISCSI                  iscsi?                  *ISCSIVolumeSource
    Glusterfs              glusterfs?              *GlusterfsVolumeSource
    PersistentVolumeClaim  persistentVolumeClaim?  *PersistentVolumeClaimVolumeSource
    RBD                    rbd?                    *RBDVolumeSource
    FlexVolume             flexVolume?             *FlexVolumeSource
    Cinder                 cinder?                 *CinderVolumeSource
    CephFS                 cephfs?                 *CephFSVolumeSource
    Flocker                flocker?                *FlockerVolumeSource
    DownwardAPI            downwardAPI?            *DownwardAPIVolumeSource
    FC                     fc?                     *FCVolumeSource
    AzureFile              azureFile?              *AzureFileVolumeSource
    ConfigMap              configMap?              *ConfigMapVolumeSource
    VsphereVolume          vsphereVolume?          *VsphereVirtualDiskVolumeSource
    Quobyte                quobyte?                *QuobyteVolumeSource
    AzureDisk              azureDisk?              *AzureDiskVolumeSource
    PhotonPersistentDisk   photonPersistentDisk?   *PhotonPersistentDiskVolumeSource
    Projected              projected?              *ProjectedVolumeSource
    PortworxVolume         portworxVolume?         *PortworxVolumeSource
    ScaleIO                scaleIO?                *ScaleIOVolumeSource
    StorageOS              storageos?              *StorageOSVolumeSource
    CSI                    csi?                    *CSIVolumeSource
    Ephemeral              ephemeral?              *EphemeralVolumeSource
    Image                  image?                  *ImageVolumeSource

  Volume
    Name          name  string
    VolumeSource  -     ...VolumeSource
  `,
  REFERENCE_TYPES,
)

export const VOLUME: StructType = structOf(VOLUME_TYPES, 'Volume')
